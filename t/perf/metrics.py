#!/usr/bin/python3
# metrics.py ID OOD: what a user would run instead of ood-metrics on two streams of one score; prints AUROC and AP, and
# on stderr how long scikit-learn's three calls alone took, without imports and reading.
import sys
import time

import msgpack
import msgpack_numpy
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve


def read(path):
    with open(path, 'rb') as f:
        recs = list(msgpack.Unpacker(f, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False,
                                     max_buffer_size=2**30))
    return np.concatenate([r['msp'] for r in recs if 'msp' in r])


a, b = read(sys.argv[1]), read(sys.argv[2])
start = time.time()
y, s = np.r_[np.ones(len(a)), np.zeros(len(b))], np.r_[a, b]
print(roc_auc_score(y, s), average_precision_score(y, s), len(roc_curve(y, s)[0]))
print('%.3f s' % (time.time() - start), file=sys.stderr)
