"""A caller in Python: path of the library, iType; prints "code text" in GBK as the library gave it."""
import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
library.iReadCardBas.argtypes = [ctypes.c_int, ctypes.c_char_p]
library.iReadCardBas.restype = ctypes.c_long
out = ctypes.create_string_buffer(1024)
code = library.iReadCardBas(int(sys.argv[2]), out)
sys.stdout.buffer.write(b"%d %s\n" % (code, out.value))
