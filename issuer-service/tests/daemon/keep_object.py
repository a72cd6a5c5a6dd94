"""Another PKCS#11 client, through ctypes: puts a copy that cannot be destroyed in the place of the object whose CKA_ID is named.

keep_object.py MODULE TOKEN-LABEL ID ; the PIN comes from TOKEN_PIN, the id is hex.
"""
import ctypes
import os
import sys
from ctypes import Structure, byref, c_char_p, c_ubyte, c_ulong, c_void_p, cast, create_string_buffer


class Attribute(Structure):
    _fields_ = [("type", c_ulong), ("value", c_void_p), ("length", c_ulong)]


class TokenInfo(Structure):
    _fields_ = [("label", c_ubyte * 32), ("rest", c_ubyte * 512)]


CKA_ID, CKA_DESTROYABLE, CKF_SERIAL_SESSION, CKF_RW_SESSION, CKU_USER = 0x102, 0x172, 0x4, 0x2, 1
CKR_ACTION_PROHIBITED = 0x1B


def main(module, label, text):
    library = ctypes.CDLL(module)

    def call(name, *arguments):
        code = getattr(library, name)(*arguments)
        if code != 0:
            sys.exit(f"{name}: {code:#x}")

    call("C_Initialize", None)
    count = c_ulong(16)
    slots = (c_ulong * 16)()
    call("C_GetSlotList", c_ubyte(1), slots, byref(count))

    def labelled(slot):
        info = TokenInfo()
        call("C_GetTokenInfo", c_ulong(slot), byref(info))
        return bytes(info.label).rstrip().decode() == label

    slot = next(slot for slot in slots[: count.value] if labelled(slot))
    session = c_ulong()
    call("C_OpenSession", c_ulong(slot), c_ulong(CKF_SERIAL_SESSION | CKF_RW_SESSION), None, None, byref(session))
    pin = os.environ["TOKEN_PIN"].encode()
    call("C_Login", session, c_ulong(CKU_USER), c_char_p(pin), c_ulong(len(pin)))
    wanted = bytes.fromhex(text)
    value = create_string_buffer(wanted, len(wanted))
    template = Attribute(CKA_ID, cast(value, c_void_p), len(wanted))
    call("C_FindObjectsInit", session, byref(template), c_ulong(1))
    found, handle, copy = c_ulong(), c_ulong(), c_ulong()
    call("C_FindObjects", session, byref(handle), c_ulong(1), byref(found))
    call("C_FindObjectsFinal", session)
    if found.value != 1:
        sys.exit(f"no object {text}")
    no = create_string_buffer(b"\0", 1)
    template = Attribute(CKA_DESTROYABLE, cast(no, c_void_p), 1)
    call("C_CopyObject", session, handle, byref(template), c_ulong(1), byref(copy))
    call("C_DestroyObject", session, handle)
    code = library.C_DestroyObject(session, copy)
    if code != CKR_ACTION_PROHIBITED:
        sys.exit(f"the copy was destroyed: {code:#x}")
    call("C_Finalize", None)


main(sys.argv[1], sys.argv[2], sys.argv[3])
