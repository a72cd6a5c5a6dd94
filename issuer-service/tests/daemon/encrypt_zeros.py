"""Another PKCS#11 client, through ctypes: prints E(0) of each object whose CKA_ID is named, in CKM_DES3_ECB.

encrypt_zeros.py MODULE TOKEN-LABEL ID... ; the PIN comes from TOKEN_PIN, the ids are hex.
"""
import ctypes
import os
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_ubyte, c_ulong, c_void_p, cast, create_string_buffer


class Attribute(Structure):
    _fields_ = [("type", c_ulong), ("value", c_void_p), ("length", c_ulong)]


class Mechanism(Structure):
    _fields_ = [("mechanism", c_ulong), ("parameter", c_void_p), ("length", c_ulong)]


class TokenInfo(Structure):
    _fields_ = [("label", c_ubyte * 32), ("rest", c_ubyte * 512)]


CKA_ID, CKM_DES3_ECB, CKF_SERIAL_SESSION, CKU_USER = 0x102, 0x132, 0x4, 1


def main(module, label, ids):
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
    call("C_OpenSession", c_ulong(slot), c_ulong(CKF_SERIAL_SESSION), None, None, byref(session))
    pin = os.environ["TOKEN_PIN"].encode()
    call("C_Login", session, c_ulong(CKU_USER), c_char_p(pin), c_ulong(len(pin)))
    for text in ids:
        wanted = bytes.fromhex(text)
        value = create_string_buffer(wanted, len(wanted))
        template = Attribute(CKA_ID, cast(value, c_void_p), len(wanted))
        call("C_FindObjectsInit", session, byref(template), c_ulong(1))
        found, handle = c_ulong(), c_ulong()
        call("C_FindObjects", session, byref(handle), c_ulong(1), byref(found))
        call("C_FindObjectsFinal", session)
        if found.value != 1:
            sys.exit(f"no object {text}")
        mechanism = Mechanism(CKM_DES3_ECB, None, 0)
        call("C_EncryptInit", session, byref(mechanism), handle)
        zeros, out, length = create_string_buffer(8), create_string_buffer(8), c_ulong(8)
        call("C_Encrypt", session, zeros, c_ulong(8), out, byref(length))
        print(out.raw[: length.value].hex().upper())
    call("C_Finalize", None)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
