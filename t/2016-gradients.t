#!/bin/sh
# Gradients of training are PyTorch's in double precision, for every architecture: um_gradients.txt, t/golden/um_gradients.py.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

# NAME COUNT LARGEST SUM SUM SUM SOME...: each number is off by at most 1e-4 of the largest; a sum of n numbers, by
# sqrt(n) times as much.
cat >compare.awk <<'END'
NR == FNR { want[$1] = $0; n++; next }
{
	if (!($1 in want) || split(want[$1], w) != NF || w[2] != $2) { print "# " $1 " is not there or another"; bad = 1; exit }
	for (i = 3; i <= NF; i++) {
		d = ($i - w[i]) / (w[3] * (i > 3 && i < 7 ? sqrt(w[2]) : 1))
		d = d < 0 ? -d : d
		if (!(d <= worst)) { worst = d; where = $1 }
	}
	seen++
}
END {
	if (seen != n) { print "# " seen " of " n; bad = 1 }
	printf "# off by %.2g of the largest, %s\n", worst, where
	exit bad || !(worst <= 1e-4)
}
END

same() {                                # SPEC CLASSES SIDE SEED
	sed -n "/^NAME $1 $2 $3 $4\$/,/^NAME/p" "$SRC/t/golden/um_gradients.txt" | grep -v '^NAME' >want
	golden-net gradients "$1" "$2" "$3" "$4" >have && [ -s want ] && awk -f compare.awk want have
}

sed -n 's/^NAME //p' "$SRC/t/golden/um_gradients.txt" >cases
while read -r spec classes side seed; do
	ok "$spec" 'same "$spec" "$classes" "$side" "$seed"'
done <cases
done_testing
