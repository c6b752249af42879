# Small graphs of every kind that the reader distinguishes.
/usr/bin/python3 "$SRC/t/helper/onnx_small.py" . && rm -f weights.bin
