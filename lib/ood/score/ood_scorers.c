/* SPDX-License-Identifier: MIT
 * The scorers of a list of requests. */
#include <stdlib.h>

#include "ood/score/ood_method.h"

int ood_scorers_new(struct ood_scorer **ret, size_t *n, const struct ood_requests *r, const struct ood_basis *basis,
		    ood_left_fn *left, void *data, struct err *err)
{
	struct ood_scorer *s = calloc(r->n + 1, sizeof *s);
	struct err why;

	*ret = NULL;
	*n = 0;
	if (!s)
		return err_memory(err);
	for (size_t i = 0; i < r->n; i++) {
		const struct ood_request *q = &r->q[i];

		if (ood_scorer_init(&s[*n], q, basis, &why) == 0) {
			++*n;
		} else if (q->optional && !why.memory) {
			left(data, q, why.text);
		} else {
			ood_scorers_free(s, *n);
			*n = 0;
			*err = why;
			return err_prefix(err, "method '%s': ", q->column);
		}
	}
	*ret = s;
	return 0;
}

void ood_scorers_free(struct ood_scorer *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ood_scorer_release(&s[i]);
	free(s);
}
