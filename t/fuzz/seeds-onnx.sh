# Small graphs of every kind that is told apart.
/usr/bin/python3 "$SRC/t/helper/onnx_small.py" . && rm -f weights.bin
