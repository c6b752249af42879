"""Small sets of images as HuggingFace serves them, for the test of ds-pack's Parquet, by pyarrow (from PyPI; 26.0.1 made
those that are here) and Pillow:

    cd t/golden/parquet && python3 make.py

images/N.png are the pictures of row N; labels.txt what the rows are labelled.
"""
import io
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

rng = np.random.default_rng(20261127)
N = 7
LABELS = [2, 0, 1, 2, None, 1, 0]
NAMES = ["cat", "dog", "fox"]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def pictures():
    os.makedirs("images", exist_ok=True)
    out = []
    for i in range(N):
        f = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (5, 6, 3)).astype(np.uint8)).save(f, format="png")
        out.append(f.getvalue())
        with open(f"images/{i}.png", "wb") as file:
            file.write(f.getvalue())
    with open("labels.txt", "w") as file:
        file.write("".join("%d\n" % (-1 if v is None else v) for v in LABELS))
    return out


def features(**kinds):
    return {b"huggingface": json.dumps({"info": {"features": kinds}}).encode()}


IMAGE, LABEL = {"_type": "Image"}, {"names": NAMES, "_type": "ClassLabel"}
bytes_ = pictures()
structs = [{"bytes": b, "path": f"{i}.png"} for i, b in enumerate(bytes_)]


def table(columns, meta=None):
    return pa.table(columns).replace_schema_metadata(meta)


def usual(image=structs, label=LABELS, kind=pa.int64(), meta=features(image=IMAGE, label=LABEL)):
    return table({"image": pa.array(image, STRUCT), "label": pa.array(label, kind)}, meta)


def save(name, t, **how):
    pq.write_table(t, name + ".parquet", **{"compression": "snappy", **how})


save("snappy", usual())
save("zstd", usual(), compression="zstd", row_group_size=3)
save("gzip", usual(), compression="gzip")
save("none", usual(), compression="none")
save("plain", usual(), use_dictionary=False)
save("v2", usual(), data_page_version="2.0", row_group_size=4)
save("v2-zstd", usual(), data_page_version="2.0", compression="zstd", use_dictionary=False)
save("pages", usual(), data_page_size=1, write_batch_size=2, use_dictionary=False)
save("int32", usual(kind=pa.int32()))
save("bare", usual(meta=None))
save("repeated", usual(image=[structs[i % 2] for i in range(N)]))
save("more", table({"id": pa.array([[1, 2]] * N), "mask": pa.array([None] * N, STRUCT), "image": pa.array(structs, STRUCT),
                    "coarse": pa.array([0, 1, 0, 1, 0, 1, 0]), "fine": pa.array(LABELS), "text": pa.array(["x"] * N)},
                   features(image=IMAGE, coarse={"names": ["a", "b"], "_type": "ClassLabel"}, fine=LABEL)))
# A set of two files, and a test set.
os.makedirs("data", exist_ok=True)
for k, part in enumerate((slice(0, 4), slice(4, N))):
    save(f"data/train-{k:05}-of-00002", usual(structs[part], LABELS[part]))
save("data/test-00000-of-00001", usual(structs[:2], LABELS[:2]))
# What is refused, or damaged.
save("brotli", usual(), compression="brotli")
save("delta", usual(), use_dictionary=False, column_encoding={"label": "DELTA_BINARY_PACKED"})
save("null", usual(image=[None if i == 3 else {"bytes": None, "path": "x"} if i == 4 else s for i, s in enumerate(structs)]))
save("lists", table({"image": pa.array([[s] for s in structs], pa.list_(STRUCT))}))
save("numbers", table({"x": pa.array(range(N))}))
save("label", usual(label=[0, 1, 2, 3, 0, 0, 0]))
# Labels that are not read.
save("words", table({"image": pa.array(structs, STRUCT), "label": pa.array([NAMES[v or 0] for v in LABELS])}), compression="none")
save("called", table({"image": pa.array(structs, STRUCT), "target": pa.array([v or 0 for v in LABELS])}), compression="none")
