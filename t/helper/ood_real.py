#!/usr/bin/python3
# ood_real.py REFERENCE-DIR TRAIN VAL ID OOD ID-SCORES OOD-SCORES: AUROC of every column of the two scores streams,
# and the same from ood_reference.py on the features; one line per method, exit 1 if any two differ by more than 1e-6.
import sys

import msgpack
import msgpack_numpy
import numpy as np
from scipy.stats import rankdata

sys.path.insert(0, sys.argv[1])
from ood_reference import Data, score


def read(path):
    with open(path, 'rb') as f:
        recs = list(msgpack.Unpacker(f, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False,
                                     max_buffer_size=2**30))
    head, cols = recs[0], {}
    for r in recs[1:-1]:
        for k, v in r.items():
            cols.setdefault(k, []).append(v)
    return head, {k: np.concatenate([np.asarray(x) for x in v]) for k, v in cols.items()}


def auroc(a, b):
    r = rankdata(np.concatenate([a, b]))
    return (r[:len(a)].sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))


head, train = read(sys.argv[2])
W, b = (np.asarray(head['meta'][k], dtype=np.float64) for k in ('fc.weight', 'fc.bias'))
train, val, ind, ood = (Data(c['logits'], c['features'], c['label'])
                        for c in [train] + [read(p)[1] for p in sys.argv[3:6]])
_, ours = read(sys.argv[6])
_, theirs = read(sys.argv[7])
bad = 0
# nnguide and cfood search a sample (nnguide:alpha=1 all); mc-dropout's scores tie in single precision if each pass is
# sure of another class.
for m in [k for k in ours if k not in ('pred', 'label', 'name', 'nnguide', 'cfood', 'mc-dropout')]:
    got = auroc(ours[m], theirs[m])
    want = auroc(*(np.asarray(score(m, t, W, b, train, val)) for t in (ind, ood)))
    bad += not abs(got - want) <= 1e-6
    print('# %-16s %.9f %.9f %s' % (m, got, want, '' if abs(got - want) <= 1e-6 else '<--'))
sys.exit(bad > 0)
