#!/usr/bin/python3
# Compares ood-metrics with scikit-learn, and with rules written out by hand, on 1,000 random inputs full of ties: 10
# pairs of files with 100 columns each. Prints the largest differences; exit 1 if one is above 1e-9.
import subprocess
import sys

import numpy as np
from scipy.stats import norm
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

COLUMNS = 100
rng = np.random.default_rng(95)


def nearest(pos, neg):
    """Among thresholds from the highest of full recall up: recall nearest to 95 %, the higher one of two, then
    the lowest threshold."""
    ts = np.unique(np.concatenate([pos, neg]))
    tp = np.array([(pos >= t).sum() for t in ts])
    first = np.flatnonzero(tp == len(pos))[-1]
    best = min(range(first, len(ts)), key=lambda i: (abs(100 * tp[i] - 95 * len(pos)), -tp[i], ts[i]))
    return (neg >= ts[best]).mean()


def least(y, s):
    fpr, tpr, _ = roc_curve(y, s, drop_intermediate=False)
    return fpr[tpr * y.sum() * 20 > 19 * y.sum() - 1e-6].min()


def delong(pos, neg, pos0, neg0):
    """Standard error, and p-value against another score, from all pairs."""
    def place(p, n):
        wins = (p[:, None] > n) + .5 * (p[:, None] == n)
        return wins.mean(1), wins.mean(0)
    x, y = place(pos, neg)
    x0, y0 = place(pos0, neg0)
    var = lambda a, b: a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    d, v = x.mean() - x0.mean(), var(x - x0, y - y0)
    return np.sqrt(var(x, y)), 1. if abs(d) < 1e-15 else 2 * norm.sf(abs(d) / np.sqrt(v))


def holm(p):
    out, least_so_far = np.empty(len(p)), 0
    for rank, i in enumerate(np.argsort(p, kind='stable')):
        least_so_far = max(least_so_far, min(1, (len(p) - rank) * p[i]))
        out[i] = least_so_far
    return out


def run(*args):
    text = subprocess.run(['ood-metrics', '-f', 'tsv', '--id', 'id.tsv', 'ood.tsv', *args], check=True,
                          capture_output=True, text=True).stdout.splitlines()
    rows = [dict(zip(text[0].split('\t'), line.split('\t'))) for line in text[1:]]
    return {r['method']: r for r in rows if r['set'] == 'ood'}


def write(path, v):
    np.savetxt(path, v, '%.9g', '\t', header='\t'.join('s%d' % k for k in range(COLUMNS)), comments='')


worst = {}
for size, (n_id, n_ood) in enumerate([(2, 2), (5, 9), (20, 20), (21, 19), (40, 10), (40, 41), (60, 100), (100, 60),
                                      (333, 77), (200, 1000)]):
    levels = rng.integers(1, 60, COLUMNS)
    a = np.round(rng.normal(1, 1, (n_id, COLUMNS)) * levels) / 4
    b = np.round(rng.normal(0, 1, (n_ood, COLUMNS)) * levels) / 4
    write('id.tsv', a)
    write('ood.tsv', b)
    got = run('--show', 'all', '--delong', '--baseline', 's0')
    trapezoid = run('--aupr', 'trapezoid')
    tests = []
    for k in range(COLUMNS):
        name, pos, neg = 's%d' % k, a[:, k], b[:, k]
        y, s = np.r_[np.ones(n_id), np.zeros(n_ood)], np.r_[pos, neg]
        p_in, r_in, _ = precision_recall_curve(y, s)
        p_out, r_out, _ = precision_recall_curve(1 - y, -s)
        se, p = delong(pos, neg, a[:, 0], b[:, 0])
        tests.append(p)
        want = {'auroc': roc_auc_score(y, s), 'aupr_in': average_precision_score(y, s),
                'aupr_out': average_precision_score(1 - y, -s), 'fpr95': nearest(pos, neg),
                'fpr95_first': least(y, s), 'fpr95_openood': least(1 - y, -s),
                'auroc_low': max(0, roc_auc_score(y, s) - norm.ppf(.975) * se),
                'auroc_high': min(1, roc_auc_score(y, s) + norm.ppf(.975) * se)}
        if se == 0:  # no interval, rather than one of no width
            assert got[name]['auroc_low'] == got[name]['auroc_high'] == '-'
            del want['auroc_low'], want['auroc_high']
        for key, value in want.items():
            worst[key] = max(worst.get(key, 0), abs(float(got[name][key]) - value))
        for key, value in (('aupr_in', auc(r_in, p_in)), ('aupr_out', auc(r_out, p_out))):
            worst['trapezoid'] = max(worst.get('trapezoid', 0), abs(float(trapezoid[name][key]) - value))
    for k, p in enumerate(holm(np.array(tests[1:])), 1):
        worst['p'] = max(worst.get('p', 0), abs(float(got['s%d' % k]['p']) - p))
print('#', ' '.join('%s %.1e' % w for w in worst.items()))
sys.exit(int(max(worst.values()) > 1e-9))
