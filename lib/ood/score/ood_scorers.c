/* SPDX-License-Identifier: MIT
 * The scorers of a list of requests, prepared in several threads. */
#include <stdbool.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

/* OpenBLAS is opened once, before methods that need it are prepared side by side. */
static int open_linalg(const struct ood_requests *r, const struct ood_basis *basis, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (ood_scorer_opens(&r->q[i], basis) && num_linalg_open(err) < 0)
			return err_prefix(err, "method '%s': ", r->q[i].column);
	return 0;
}

/* Moves those that are ready to the front of s, in their order, and counts them in *n. -1: one failed that may not be
 * left out; all are released. */
static int collect(struct ood_scorer *s, size_t *n, const struct err *why, const bool *failed,
		   const struct ood_requests *r, ood_left_fn *left, void *data, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct ood_request *q = &r->q[i];

		if (!failed[i])
			s[(*n)++] = s[i];
		else if (rc == 0 && q->optional && !why[i].memory)
			left(data, q, why[i].text);
		else if (rc == 0) {
			*err = why[i];
			rc = err_prefix(err, "method '%s': ", q->column);
		}
	}
	return rc;
}

int ood_scorers_new(struct ood_scorer **ret, size_t *n, const struct ood_requests *r, const struct ood_basis *basis,
		    ood_left_fn *left, void *data, struct err *err)
{
	struct ood_scorer *s = calloc(r->n + 1, sizeof *s);
	struct err *why = calloc(r->n + 1, sizeof *why);
	bool *failed = calloc(r->n + 1, sizeof *failed);
	int rc = s && why && failed ? open_linalg(r, basis, err) : err_memory(err);

	*ret = NULL;
	*n = 0;
	if (rc == 0) {
/* A method goes over the fit's rows by itself, and uses nothing of the others; its tasks go to threads that wait. */
#pragma omp parallel for schedule(dynamic)
		for (size_t i = 0; i < r->n; i++)
			failed[i] = ood_scorer_init(&s[i], &r->q[i], basis, &why[i]) < 0;
		rc = collect(s, n, why, failed, r, left, data, err);
	}
	free(why);
	free(failed);
	if (rc == 0) {
		*ret = s;
		return 0;
	}
	ood_scorers_free(s, *n);
	*n = 0;
	return -1;
}

void ood_scorers_free(struct ood_scorer *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ood_scorer_release(&s[i]);
	free(s);
}
