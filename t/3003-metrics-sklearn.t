#!/bin/sh
# Every metric on 1,000 random inputs full of ties, against scikit-learn and rules by hand.
. "$SRC/t/lib.sh"
python=/usr/bin/python3
$python -c 'import sklearn, scipy, numpy' 2>/dev/null || skip_all 'no scikit-learn'

ok 'AUROC, AP, trapezoids, three FPR95, DeLong, Holm: 1,000 of 1,000' '$python "$SRC/t/helper/metrics_sklearn.py"'
done_testing
