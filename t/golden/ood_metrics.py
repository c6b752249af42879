#!/usr/bin/python3
# Makes ood_metrics.txt and ood_scores.txt: what lib/ood must give, computed independently. Metrics
# by their definitions, every threshold and every pair, in exact fractions; scores with 60 decimal
# digits. Uses only Python's standard library; gives the same bytes each time.
import random
from decimal import Decimal, getcontext
from fractions import Fraction as F

getcontext().prec = 60
rnd = random.Random(20230607)


def auroc(pos, neg):
    return sum(F(1) if p > n else F(1, 2) if p == n else F(0) for p in pos for n in neg) / (len(pos) * len(neg))


def points(pos, neg):
    """(true positives, false positives) at every distinct score, the highest first."""
    return [(sum(p >= t for p in pos), sum(n >= t for n in neg)) for t in sorted(set(pos + neg), reverse=True)]


def average_precision(pos, neg):
    total, before = F(0), 0
    for tp, fp in points(pos, neg):
        total += F(tp, tp + fp) * F(tp - before, len(pos))
        before = tp
    return total


def trapezoids(pos, neg):
    total, before, precision = F(0), 0, F(1)
    for tp, fp in points(pos, neg):
        total += (F(tp, tp + fp) + precision) / 2 * F(tp - before, len(pos))
        before, precision = tp, F(tp, tp + fp)
    return total


def at_prevalence(pos, neg, share):
    """Average precision if `share` of the rows were positive."""
    total, before = F(0), 0
    for tp, fp in points(pos, neg):
        if tp > before:
            tpr, fpr = F(tp, len(pos)), F(fp, len(neg))
            total += share * tpr / (share * tpr + (1 - share) * fpr) * F(tp - before, len(pos))
        before = tp
    return total


def detection_error(id_, ood):
    """Rows at or above the threshold are taken for ID; the first threshold takes none."""
    every = sorted(set(id_ + ood)) + [max(id_ + ood) + 1]
    return min(F(sum(x < t for x in id_), len(id_)) + F(sum(x >= t for x in ood), len(ood)) for t in every) / 2


def ccr(right, labelled, ood, rate):
    t = sorted(ood, reverse=True)[-(-len(ood) * rate.numerator // rate.denominator) - 1]
    return F(sum(x > t for x in right), labelled)


def fpr_nearest(pos, neg):
    """The list runs from the lowest threshold up, and starts at the highest that has full recall."""
    pts = points(pos, neg)
    full = next(i for i, (tp, _) in enumerate(pts) if tp == len(pos))
    best = min(reversed(pts[:full + 1]), key=lambda p: abs(F(p[0], len(pos)) - F(95, 100)))
    return F(best[1], len(neg))


def fpr_least(pos, neg):
    return min(F(fp, len(neg)) for tp, fp in points(pos, neg) if F(tp, len(pos)) >= F(95, 100))


def metrics(id_, ood):
    minus = lambda v: [-x for x in v]
    return [auroc(id_, ood), average_precision(id_, ood), average_precision(minus(ood), minus(id_)),
            fpr_nearest(id_, ood), fpr_least(id_, ood), fpr_least(minus(ood), minus(id_)),
            detection_error(id_, ood), trapezoids(id_, ood), trapezoids(minus(ood), minus(id_)),
            at_prevalence(id_, ood, F(9, 10)), at_prevalence(minus(ood), minus(id_), F(1, 10))] + right_ones(id_, ood)


def right_ones(id_, ood):
    """All rows but every third are classified right. The area by its definition, one step per threshold, ties half."""
    right = [x for i, x in enumerate(id_) if i % 3]
    area, ccr_before, fpr_before = F(0), F(0), F(0)
    for t in sorted(set(id_ + ood), reverse=True):
        c, f = F(sum(x >= t for x in right), len(id_)), F(sum(x >= t for x in ood), len(ood))
        area += (c + ccr_before) / 2 * (f - fpr_before)
        ccr_before, fpr_before = c, f
    return [area] + [ccr(right, len(id_), ood, F(1, 10 ** k)) for k in (4, 3, 2, 1)] + [aurra(id_), autc(id_, ood)]


def aurra(id_):
    """Mean accuracy of the k highest; each row among ties counts as the mean of their correctness."""
    mean = lambda x: F(sum(1 for i, y in enumerate(id_) if y == x and i % 3), id_.count(x))
    right = [mean(x) for x in sorted(id_, reverse=True)]
    return sum(sum(right[:k], F(0)) / k for k in range(1, len(right) + 1)) / len(right)


def autc(id_, ood):
    """The integral of both error rates over the steps of the threshold."""
    ts = [F(x) for x in sorted(set(id_ + ood))]
    if len(ts) == 1:
        return float('nan')
    area = sum((b - a) * (F(sum(x > a for x in ood), len(ood)) + F(sum(x <= a for x in id_), len(id_))) / 2
               for a, b in zip(ts, ts[1:]))
    return area / (ts[-1] - ts[0])


def draw(n, mean, step):
    return [round(rnd.gauss(mean, 1) / step) * step for _ in range(n)]


def log_odds(l):
    top = max(range(len(l)), key=lambda i: l[i])
    return -sum((x - l[top]).exp() for i, x in enumerate(l) if i != top).ln()


def energy(l, t):
    return t * sum((x / t).exp() for x in l).ln()


with open('ood_metrics.txt', 'w') as f:
    f.write('# by ood_metrics.py: N-ID N-OOD, the ID scores, the OOD scores,\n'
            '# AUROC AUPR-IN AUPR-OUT FPR95-nearest FPR95-first FPR95-openood, detection error,\n'
            '# AUPR by trapezoids IN OUT, AUPR with a tenth of the rows OOD IN OUT, OSCR and CCR at 1e-4 1e-3\n'
            '# 1e-2 1e-1 if each ID row but the first of every three is classified right, AURRA, AUTC\n')
    sizes = [(1, 1), (1, 7), (7, 1), (10, 10), (20, 20), (21, 19), (39, 40), (40, 41), (60, 100), (100, 60)]
    for n_id, n_ood in sizes:
        for step in (1, 0.25, 0.0078125):
            a, b = draw(n_id, 1, step), draw(n_ood, 0, step)
            f.write('%d %d\n' % (n_id, n_ood))
            for v in (a, b):
                f.write(' '.join('%.10g' % x for x in v) + '\n')
            f.write(' '.join('%.17g' % float(x) for x in metrics(a, b)) + '\n')

with open('ood_scores.txt', 'w') as f:
    f.write('# by ood_metrics.py: N, the logits, msp maxlogit energy energy:temperature=10\n')
    for n in (2, 3, 10, 100):
        for scale in (0.01, 1, 10, 60, 1000):
            l = [Decimal(round(rnd.gauss(0, scale) * 1024)) / 1024 for _ in range(n)]
            want = [log_odds(l), max(l), energy(l, Decimal(1)), energy(l, Decimal(10))]
            f.write('%d\n%s\n%s\n' % (n, ' '.join('%.17g' % x for x in l), ' '.join('%.17g' % x for x in want)))
