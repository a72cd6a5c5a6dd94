"""A caller in Python of the reader interface: path of the library; prints "code bytes" a call, in hex."""
import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
for name in ["Open", "pre_PowerOn", "Application", "GetStatus", "Close"]:
    getattr(library, f"ICC_Reader_{name}").restype = ctypes.c_long
handle = library.ICC_Reader_Open(b"USB1")
print(handle, "open")
out = ctypes.create_string_buffer(258)
code = library.ICC_Reader_pre_PowerOn(handle, ctypes.c_ubyte(1), out)
print(code, out.raw[: max(code, 0)].hex().upper())
command = bytes.fromhex("0084000008")
code = library.ICC_Reader_Application(handle, ctypes.c_ubyte(1), len(command), command, out)
print(code, out.raw[: max(code, 0)].hex().upper())
print(library.ICC_Reader_Close(handle), "close")
