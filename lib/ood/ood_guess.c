/* SPDX-License-Identifier: MIT
 *
 * Agreement of predictions and labels, against that of chance. */
#include "ood/ood_guess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_internal.h"

enum { ENOUGH = 200 };
static const double same = 0.75; /* above that, most rows are of one class */

static int grow(struct ood_guess *g, size_t n)
{
	if (ood_grow(&g->label, 1, n, sizeof *g->label) < 0 || ood_grow(&g->pred, 1, n, sizeof *g->pred) < 0)
		return -1;
	memset(g->label + g->n, 0, (n - g->n) * sizeof *g->label);
	memset(g->pred + g->n, 0, (n - g->n) * sizeof *g->pred);
	g->n = n;
	return 0;
}

int ood_guess_add(struct ood_guess *g, int64_t label, int64_t pred)
{
	const int64_t top = label > pred ? label : pred;

	if (label < 0)
		return 0;
	if (pred < 0 || top >= OOD_GUESS_CLASSES) {
		g->other = true;
		return 0;
	}
	if ((size_t)top >= g->n && grow(g, (size_t)top + 1) < 0)
		return -1;
	g->label[label]++;
	g->pred[pred]++;
	g->right += label == pred;
	return 0;
}

bool ood_guess_words(const struct ood_guess *g, struct err *words)
{
	double labels = 0, preds = 0, most = 0, chance = 0, limit;

	for (size_t k = 0; k < g->n; k++) {
		labels += g->label[k];
		preds += g->pred[k];
		most = fmax(most, g->label[k]);
	}
	if (g->other || labels < ENOUGH || most == labels)
		return false;
	for (size_t k = 0; k < g->n; k++)
		chance += g->label[k] / labels * (g->pred[k] / preds);
	limit = labels * chance + 3 * sqrt(labels * chance * (1 - chance));
	if (chance > same || g->right > limit)
		return false;
	err_fail(words,
		 "%.4g %% of %.0f labelled rows are classified right, and guessing gets %.4g %%, or %.4g %% by luck: "
		 "are the labels in the order of the model's classes, and its input normalised as in training?",
		 100 * g->right / labels, labels, 100 * chance, 100 * limit / labels);
	return true;
}

void ood_guess_release(struct ood_guess *g)
{
	free(g->label);
	free(g->pred);
	*g = (struct ood_guess){ 0 };
}
