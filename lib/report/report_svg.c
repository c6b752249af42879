/* SPDX-License-Identifier: MIT
 * Pictures of a report. Coordinates have one decimal: tenths of a pixel. */
#include <math.h>

#include "report/report_html.h"
#include "report/report_svg.h"

enum { WIDTH = 320, HEIGHT = 160, SIDE = 260, LEFT = 34, BOTTOM = 20, KEY = 16, STYLES = 6 };

/* An outline of bars, down to the base line. */
static void bars(FILE *f, const char *class, const size_t rows[OOD_BINS], double scale)
{
	const double step = (double)WIDTH / OOD_BINS;

	fprintf(f, "<path class=\"%s\" d=\"M0 %d", class, HEIGHT);
	for (int b = 0; b < OOD_BINS; b++)
		fprintf(f, "V%.1fH%.1f", HEIGHT - scale * (double)rows[b], (b + 1) * step);
	fprintf(f, "V%dZ\"/>\n", HEIGHT);
}

static double tallest(const size_t rows[OOD_BINS], size_t n)
{
	size_t most = 0;

	for (int b = 0; b < OOD_BINS; b++)
		most = rows[b] > most ? rows[b] : most;
	return (double)most / (double)n;
}

void report_svg_hist(FILE *f, const struct report_svg_set *set)
{
	struct ood_hist h;
	double top;

	ood_hist_of(&h, &set->id, &set->sample);
	top = fmax(tallest(h.rows[0], set->id.n), tallest(h.rows[1], set->sample.n)) / (HEIGHT - 4);
	fprintf(f,
		"<figure><svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
		"aria-label=\"histogram of the scores of the ID set and of ",
		WIDTH, HEIGHT + BOTTOM, WIDTH, HEIGHT + BOTTOM);
	report_html_text(f, set->name);
	fprintf(f, ", from %.4g to %.4g; AUROC %.2f %%\">\n", h.low, h.high, 100 * set->auroc);
	bars(f, "id", h.rows[0], 1 / top / (double)set->id.n);
	bars(f, "ood", h.rows[1], 1 / top / (double)set->sample.n);
	fprintf(f,
		"<path class=\"axis\" d=\"M0 %dH%d\"/><text x=\"0\" y=\"%d\">%.4g</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text></svg>\n<figcaption>ID and ",
		HEIGHT, WIDTH, HEIGHT + 14, h.low, WIDTH, HEIGHT + 14, h.high);
	report_html_text(f, set->name);
	fprintf(f, " <small>AUROC %.2f</small></figcaption></figure>\n", 100 * set->auroc);
}

struct range {
	double low, high;
};

static void widen(struct range *r, double v)
{
	if (isfinite(v)) {
		r->low = fmin(r->low, v);
		r->high = fmax(r->high, v);
	}
}

/* The position of v in the range, from 0 to 1. */
static double place(const struct range *r, double v)
{
	return r->high > r->low ? (v - r->low) / (r->high - r->low) : 0.5;
}

static void line(FILE *f, const struct report_svg_line *l, const struct range *x, const struct range *y, size_t style)
{
	char next = 'M';

	fprintf(f, "<path class=\"roc k%zu%s\" d=\"", style % STYLES, *l->name ? "" : " thin");
	for (size_t i = 0; i < l->n; i++)
		if (isfinite(l->x[i]) && isfinite(l->y[i])) {
			fprintf(f, "%c%.1f %.1f", next, LEFT + WIDTH * place(x, l->x[i]),
				HEIGHT * (1 - place(y, l->y[i])));
			next = 'L';
		}
	fputs("\"/>\n", f);
}

void report_svg_lines(FILE *f, const char *title, const char *along, const struct report_svg_line *lines, size_t n)
{
	struct range x = { INFINITY, -INFINITY }, y = x;
	size_t named = 0;
	int height;

	for (size_t k = 0; k < n; k++) {
		named += *lines[k].name != '\0';
		for (size_t i = 0; i < lines[k].n; i++) {
			widen(&x, lines[k].x[i]);
			widen(&y, lines[k].y[i]);
		}
	}
	if (!(x.high >= x.low && y.high >= y.low))
		return;
	height = HEIGHT + 2 * BOTTOM + KEY * (int)named;
	fprintf(f, "<figure><svg viewBox=\"-2 -8 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"",
		LEFT + WIDTH + 8, height + 8, LEFT + WIDTH + 8, height + 8);
	report_html_text(f, title);
	fprintf(f, ", from %.4g to %.4g, along %s\">\n<path class=\"axis\" d=\"M%d 0V%dH%d\"/>\n", y.low, y.high, along,
		LEFT, HEIGHT, LEFT + WIDTH);
	fprintf(f,
		"<text x=\"%d\" y=\"4\" text-anchor=\"end\">%.4g</text><text x=\"%d\" y=\"%d\" "
		"text-anchor=\"end\">%.4g</text>"
		"<text x=\"%d\" y=\"%d\">%.4g</text><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text>\n",
		LEFT - 4, y.high, LEFT - 4, HEIGHT, y.low, LEFT, HEIGHT + 14, x.low, LEFT + WIDTH / 2, HEIGHT + 14,
		along, LEFT + WIDTH, HEIGHT + 14, x.high);
	for (size_t k = 0; k < n; k++)
		line(f, &lines[k], &x, &y, k < named ? k : k - named);
	for (size_t k = 0; k < named; k++) {
		const int at = HEIGHT + 2 * BOTTOM + KEY * (int)k;

		fprintf(f, "<path class=\"roc k%zu\" d=\"M%d %dh28\"/><text x=\"%d\" y=\"%d\">", k % STYLES, LEFT,
			at - 4, LEFT + 34, at);
		report_html_text(f, lines[k].name);
		fputs("</text>\n", f);
	}
	fputs("</svg><figcaption>", f);
	report_html_text(f, title);
	fputs("</figcaption></figure>\n", f);
}

static int line_to(void *data, double threshold, double fpr, double tpr)
{
	FILE *f = data;

	fprintf(f, "%c%.1f %.1f", isinf(threshold) && fpr == 0 && tpr == 0 ? 'M' : 'L', LEFT + SIDE * fpr,
		SIDE * (1 - tpr));
	return 0;
}

void report_svg_roc(FILE *f, const struct report_svg_set *sets, size_t n)
{
	const int height = SIDE + 2 * BOTTOM + KEY * (int)n;

	fprintf(f,
		"<figure><svg viewBox=\"-2 -4 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
		"aria-label=\"ROC curves: the share of ID rows that pass against that of each OOD set\">\n"
		"<path class=\"axis\" d=\"M%d 0V%dH%dV0H%dM%d %dL%d 0\"/>\n",
		LEFT + SIDE + 8, height + 4, LEFT + SIDE + 8, height + 4, LEFT, SIDE, LEFT + SIDE, LEFT, LEFT, SIDE,
		LEFT + SIDE);
	fprintf(f,
		"<text x=\"%d\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">OOD taken for ID</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">1</text><text x=\"0\" y=\"10\">ID</text>\n",
		LEFT, SIDE + 14, LEFT + SIDE / 2, SIDE + 14, LEFT + SIDE, SIDE + 14);
	for (size_t k = 0; k < n; k++) {
		const int y = SIDE + 2 * BOTTOM + KEY * (int)k;

		fprintf(f, "<path class=\"roc k%zu\" d=\"", k % STYLES);
		if (ood_roc_each(&sets[k].id, &sets[k].sample, 1e-2, line_to, f) < 0)
			return; /* line_to() never fails */
		fprintf(f, "\"/><path class=\"roc k%zu\" d=\"M%d %dh28\"/><text x=\"%d\" y=\"%d\">", k % STYLES, LEFT,
			y - 4, LEFT + 34, y);
		report_html_text(f, sets[k].name);
		fprintf(f, ", %.2f</text>\n", 100 * sets[k].auroc);
	}
	fputs("</svg><figcaption>ROC, and the AUROC of each set</figcaption></figure>\n", f);
}
