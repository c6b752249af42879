/* SPDX-License-Identifier: MIT
 * Ranked activation shift (Guglielmo and Masana, "Ranked activation shift for post-hoc out-of-distribution detection",
 * ECCV 2026): the energy of features whose largest becomes the mean of the training rows' largest, the second the mean
 * of their second, and so on; equal ones go by their order. From the bank; the authors' program takes all training
 * rows. */
#include <stdlib.h>

#include "num/num_sort.h"
#include "ood/score/ood_reshape.h"

static int ras_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	double *mean = s->state = ood_keep(s, f->dim, sizeof *mean, err); /* (D), descending */
	float *row = malloc(f->dim * sizeof *row);
	struct num_ranked *order = malloc(f->dim * sizeof *order);
	int rc = mean ? 0 : -1;

	if (rc == 0 && (!row || !order))
		rc = err_memory(err);
	for (size_t i = 0; i < f->bank.n && rc == 0; i++) {
		num_rank(ood_bank_rows(f, i, 1, row), f->dim, order);
		for (size_t d = 0; d < f->dim; d++)
			mean[d] += order[d].v / (double)f->bank.n;
	}
	free(row);
	free(order);
	return rc;
}

static int ras_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t D = s->basis->dim;
	const double *mean = s->state;
	double *z = malloc(rows->n * D * sizeof *z);
	struct num_ranked *order = malloc(D * sizeof *order);
	int rc = -1;

	if (z && order) {
		for (size_t i = 0; i < rows->n; i++) {
			num_rank(rows->features + i * D, D, order);
			for (size_t d = 0; d < D; d++)
				z[i * D + order[d].at] = mean[d];
		}
		rc = ood_reshape_score(s, z, rows->n, s->basis->weight, out);
	}
	free(z);
	free(order);
	return rc;
}

const struct ood_method ood_ras_family[] = { { .name = "ras",
					       .help = "energy of features that become the mean feature of their rank",
					       .needs = "--fit",
					       .parts = OOD_PART_BANK,
					       .reshapes = true,
					       .prepare = ras_prepare,
					       .score = ras_score },
					     { 0 } };
