"""A caller in Python that goes on with one library: path of the library; each line of input is a call, its arguments parted by tabs,
`{out}` in one being what the call before answered and `-` a null pointer. Prints "code text" a call, in GBK as the library gave it."""
import ctypes
import sys

OUT_BYTES = 4096
library = ctypes.CDLL(sys.argv[1])
out = b""
for line in sys.stdin.buffer.read().decode("utf-8").splitlines():
    name, *given = line.split("\t")
    function = getattr(library, name)
    function.restype = ctypes.c_long
    buffers = [ctypes.create_string_buffer(OUT_BYTES)]
    arguments = []
    for text in given:
        if text == "-":
            arguments.append(None)
        elif text.startswith("#"):
            arguments.append(ctypes.c_int(int(text[1:])))
        elif text == "{extra}":
            buffers.append(ctypes.create_string_buffer(OUT_BYTES))
            arguments.append(buffers[-1])
        else:
            parts = text.split("{out}")
            arguments.append(ctypes.c_char_p(out.join(part.encode("gbk") for part in parts)))
    code = function(*arguments, buffers[0])
    out = buffers[0].value
    text = b"&".join(buffer.value for buffer in reversed(buffers))
    sys.stdout.buffer.write(b"%d %s\n" % (code, text))
