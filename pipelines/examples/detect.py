#!/usr/bin/python3
"""detect.py DETECTOR PICTURE...: judges pictures by libunmask, through ctypes. Needs Pillow to read them."""
import ctypes as c
import sys

from PIL import Image


class Picture(c.Structure):
    _fields_ = [("rgb", c.c_char_p), ("width", c.c_int), ("height", c.c_int), ("stride", c.c_size_t), ("prepared", c.c_int)]


class Alarm(c.Structure):
    _fields_ = [("raised", c.c_int), ("image", c.c_uint64), ("since", c.c_uint64), ("evidence", c.c_double)]


class Result(c.Structure):
    _fields_ = [("score", c.c_float), ("threshold", c.c_float), ("out", c.c_int), ("class_index", c.c_int),
                ("class_name", c.c_char_p), ("alarm", Alarm)]


unmask = c.CDLL("libunmask.so.0")
unmask.unmask_open.restype = c.c_void_p
unmask.unmask_error.restype = c.c_char_p
unmask.unmask_images.argtypes = [c.c_void_p, c.POINTER(Picture), c.c_size_t, c.POINTER(Result)]
for f in unmask.unmask_error, unmask.unmask_close:
    f.argtypes = [c.c_void_p]

u = unmask.unmask_open(sys.argv[1].encode(), 1)
if unmask.unmask_error(u):
    sys.exit("detect.py: " + unmask.unmask_error(u).decode())
for name in sys.argv[2:]:
    picture = Image.open(name).convert("RGB")
    result = Result()
    if unmask.unmask_images(u, Picture(picture.tobytes(), picture.width, picture.height), 1, result) < 0:
        sys.exit(f"detect.py: {name}: {unmask.unmask_error(u).decode()}")
    print(name, result.class_name.decode(), "%.9g" % result.score, "out" if result.out else "in", sep="\t")
unmask.unmask_close(u)
