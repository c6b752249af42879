/* SPDX-License-Identifier: MIT
 * near TOLERANCE A B: exit 0 if files A and B hold the same number of numbers, each pair with
 * |a - b| <= TOLERANCE * max(1, |b|). Separators are white space, commas and brackets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int next(FILE *f, double *v)
{
	int c;

	while ((c = getc(f)) == ' ' || c == '\n' || c == '\t' || c == ',' || c == '[' || c == ']')
		;
	if (c == EOF)
		return 0;
	ungetc(c, f);
	return fscanf(f, "%lf", v) == 1 ? 1 : -1;
}

int main(int argc, char **argv)
{
	FILE *a = argc == 4 ? fopen(argv[2], "r") : NULL, *b = argc == 4 ? fopen(argv[3], "r") : NULL;
	double x = 0, y = 0, worst = 0;
	long n = 0;

	if (!a || !b) {
		fprintf(stderr, "usage: near TOLERANCE A B\n");
		return 2;
	}
	for (;; n++) {
		int have = next(a, &x), want = next(b, &y);
		if (have != want || have < 0) {
			printf("# number %ld: one file ends or holds something else\n", n);
			return 1;
		}
		if (!have)
			break;
		if (isnan(x) || isnan(y)) {
			printf("# number %ld is not a number\n", n);
			return 1;
		}
		worst = fmax(worst, fabs(x - y) / fmax(1, fabs(y)));
	}
	fclose(a);
	fclose(b);
	printf("# %ld numbers, largest difference %.3g\n", n, worst);
	return !(n > 0 && worst <= atof(argv[1]));
}
