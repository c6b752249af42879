/* SPDX-License-Identifier: MIT
 * Histograms in Braille. A letter is two dots wide, which are two bins, and four dots high. */
#include <math.h>

#include "report/report_braille.h"

enum { LINES = 3, DOTS = 4 * LINES, LETTERS = OOD_BINS / 2, MARGIN = 5 };

/* Bits of a letter's dots, left and right, from the bottom up. */
static const unsigned char dots[2][4] = { { 0x40, 0x04, 0x02, 0x01 }, { 0x80, 0x20, 0x10, 0x08 } };

/* How many dots high a bin is. A bin that is not empty has at least one dot. */
static int height(size_t rows, double scale)
{
	const int n = (int)lround(scale * (double)rows);

	return rows && n == 0 ? 1 : n;
}

static void put_letter(FILE *f, int bits)
{
	fprintf(f, "\xe2%c%c", 0xa0 | bits >> 6, 0x80 | (bits & 0x3f));
}

static void put_set(FILE *f, const char *name, const size_t rows[OOD_BINS], double scale)
{
	for (int line = LINES - 1; line >= 0; line--) {
		fprintf(f, "%-*s", MARGIN, line == 0 ? name : "");
		for (int k = 0; k < LETTERS; k++) {
			int bits = 0;

			for (int side = 0; side < 2; side++)
				for (int dot = 0; dot < 4; dot++)
					if (height(rows[2 * k + side], scale) > 4 * line + dot)
						bits |= dots[side][dot];
			put_letter(f, bits);
		}
		fputs("\n", f);
	}
}

void report_braille(FILE *f, const char *method, const char *set, const struct ood_sample *id,
		    const struct ood_sample *ood)
{
	struct ood_hist h;
	double most = 0;

	ood_hist_of(&h, id, ood);
	for (int b = 0; b < OOD_BINS; b++)
		most = fmax(most, fmax((double)h.rows[0][b] / (double)id->n, (double)h.rows[1][b] / (double)ood->n));
	fprintf(f, "\n%s: ID above, %s below\n", method, set);
	put_set(f, "ID", h.rows[0], DOTS / most / (double)id->n);
	put_set(f, "OOD", h.rows[1], DOTS / most / (double)ood->n);
	fprintf(f, "%*s%-*.4g%*.4g\n", MARGIN, "", LETTERS / 2, h.low, LETTERS / 2, h.high);
}
