"""Tables of numbers as Parquet, for the test of ts-import, by pyarrow (from PyPI; 26.0.1 made those that are here):

    cd t/golden/parquet && python3 arrays.py [FOLDER]

Number j of row i's features is (4 i + j) / 8 - 1, its label i % 3, its name "row i".
"""
import datetime
import sys

import pyarrow as pa
import pyarrow.parquet as pq

folder = sys.argv[1] if len(sys.argv) > 1 else "."
N, D = 7, 4
rows = [[(D * i + j) / 8 - 1 for j in range(D)] for i in range(N)]
labels = [i % 3 for i in range(N)]


def save(name, columns, **how):
    pq.write_table(pa.table(columns), f"{folder}/{name}.parquet", **{"compression": "none", **how})


def usual(kind, label=pa.int64()):
    return {"embeddings": pa.array(rows, kind), "label": pa.array(labels, label), "name": [f"row {i}" for i in range(N)]}


save("arrays", usual(pa.list_(pa.float32())))
save("arrays-fixed", usual(pa.list_(pa.float64(), D), pa.int8()), use_dictionary=False)
save("arrays-groups", usual(pa.large_list(pa.float32()), pa.uint16()), row_group_size=3, data_page_size=1, compression="zstd")
save("arrays-v2", usual(pa.list_(pa.float32())), data_page_version="2.0", compression="zstd")
save("arrays-required", {"x": pa.array(rows, pa.list_(pa.field("item", pa.float32(), nullable=False)))}, use_compliant_nested_type=False)
save("arrays-scores", {"energy": pa.array([r[0] for r in rows], pa.float64()), "msp": pa.array([r[1] for r in rows], pa.float32()),
                       "votes": pa.array(range(N), pa.uint32()), "pred": pa.array(labels, pa.int32())})
save("arrays-delta", {**usual(pa.list_(pa.float32())), "time": pa.array(range(N), pa.int64())}, use_dictionary=False,
     column_encoding={"time": "DELTA_BINARY_PACKED"})
save("arrays-half", {**usual(pa.list_(pa.float16())), "temp": pa.array([r[1] for r in rows], pa.float16())})
save("arrays-half-plain", {"energy": pa.array([r[0] for r in rows], pa.float16())}, use_dictionary=False)
wide = {f"feat_{j}": pa.array([r[j] for r in rows], pa.float64()) for j in range(D)}
wide |= {"q.0": pa.array(labels, pa.int64()), "q.1": pa.array([None] + labels[1:], pa.int64()), "r.0": wide["feat_0"], "r.1": pa.array(labels, pa.int64())}
wide |= {f"t.{j}": [f"{i} of {j}" for i in range(N)] for j in range(2)}
save("arrays-wide", {**wide, "label": pa.array(labels, pa.int64()), "name": [f"row {i}" for i in range(N)]})
unfit = [list(r) for r in rows]
unfit[3] = unfit[3][:2]
gap = [list(r) for r in rows]
gap[4][1] = None
save("arrays-unfit", {
    "ragged": pa.array(unfit, pa.list_(pa.float32())), "gap": pa.array(gap, pa.list_(pa.float32())),
    "none": pa.array(rows[:5] + [None] + rows[6:], pa.list_(pa.float32())),
    "empty": pa.array(rows[:5] + [[]] + rows[6:], pa.list_(pa.float32())),
    "deep": pa.array([[r] for r in rows], pa.list_(pa.list_(pa.float32()))),
    "pair": pa.array([{"a": 1.0, "b": 2.0}] * N), "day": pa.array([datetime.date(2026, 1, 1)] * N),
    "words": pa.array([["a"]] * N), "raw": pa.array([b"a"] * N), "truth": pa.array([True] * N),
    "tags": pa.array([[("a", 1.0)]] * N, pa.map_(pa.string(), pa.float32())),
    "nothing": pa.array(["a"] * 6 + [None]), "hole": pa.array([1, None] + [0] * 5, pa.int64()),
})
