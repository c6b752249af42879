#!/usr/bin/python3
# Makes ood_threshold.txt: ranks and tails for lib/ood/act/ood_threshold.c, from SciPy's beta distribution. The
# rank is found from the definition, by trying every k upwards. Tails of few terms are summed in 50
# digits, as SciPy's are off by up to 1.3e-10.
from decimal import Decimal, getcontext
from fractions import Fraction

from scipy.stats import beta

getcontext().prec = 50


def conformal(n, alpha):
    """alpha is taken as the decimal number written, so this is exact."""
    return min(n, int(Fraction(alpha) * (n + 1)))


def binomial(n, alpha, confidence):
    """The largest k whose order statistic's level, Beta(k, n + 1 - k), is <= alpha with confidence."""
    k = 0
    while k < n and beta.cdf(float(alpha), k + 1, n - k) >= confidence - 1e-13:
        k += 1
    return k


def below(n, p, k):
    """P(Bin(n, p) < k)."""
    if k > 10000:
        return beta.sf(p, k, n + 1 - k)
    p, total = Decimal(p), Decimal(0)
    term = (1 - p) ** n
    for j in range(k):
        total += term
        term = term * (n - j) / (j + 1) * p / (1 - p)
    return total


with open("ood_threshold.txt", "w") as f:
    for n in (1, 2, 9, 10, 18, 19, 20, 58, 59, 99, 100, 298, 299, 500, 999, 1000, 10000, 26032):
        for alpha in ("0.001", "0.01", "0.05", "0.07", "0.1", "0.29", "0.5", "0.9"):
            f.write("rank %d %s %d" % (n, alpha, conformal(n, alpha)))
            for confidence in (0.5, 0.9, 0.95, 0.99, 0.999999):
                f.write(" %d" % binomial(n, alpha, confidence))
            f.write("\n")
    for n in (1, 5, 100, 1000, 100000, 10000000):
        for p in (1e-6, 0.001, 0.05, 0.5, 0.93):
            sd = (n * p * (1 - p)) ** 0.5
            for k in sorted({max(0, min(n, int(n * p + z * sd))) for z in (-6, -2, -0.5, 0, 1, 3)}):
                f.write("below %d %r %d %.16e\n" % (n, p, k, below(n, p, k)))
