/* SPDX-License-Identifier: MIT
 *
 * ood_method: scores of one sample from its logits, and how a user asks for them. Everywhere in
 * unmask a larger score means more in-distribution.
 *
 * A method is a file ood_NAME.c with one `const struct ood_method` and one row in ood_method.c.
 * Scores are computed in double and leave nothing to saturate: samples that differ in confidence
 * get different scores as long as the caller's own type can hold the difference.
 *
 * Users ask with text, METHOD[:PARAMETER=VALUE]... in a list separated by commas:
 *
 *	msp,energy,energy:temperature=10
 */
#ifndef OOD_METHOD_H
#define OOD_METHOD_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_MAX_PARAMS = 4, OOD_MAX_COLUMN = 128 };

struct ood_param {
	const char *name;                 /* NULL: no more parameters */
	double value, min, max;           /* default, and the range, both ends included */
	const char *help;
};

struct ood_method {
	const char *name, *help;          /* help: one line that says what is computed */
	struct ood_param params[OOD_MAX_PARAMS];
	/* The score of one sample. logits: n >= 2 finite numbers; params: a value for each of the
	 * method's parameters. Finite unless the logits span more than a double holds. */
	double (*score)(const float *logits, size_t n, const double *params);
};

/* Every method, in the order in which `all` gives them; NULL ends. */
extern const struct ood_method *const ood_methods[];

/* A method with its parameters' values. */
struct ood_request {
	const struct ood_method *method;
	double params[OOD_MAX_PARAMS];
	char column[OOD_MAX_COLUMN];      /* the method's name, or all the text if parametrised */
};

/* Takes the list text apart; `all` stands for every method with its defaults. Fills *ret with an
 * array that the caller frees, *n long, n >= 1. -1: err (size len) holds a line: an unknown method
 * (the line lists those there are) or parameter, a value out of range, the same column twice. */
int ood_request_parse(const char *text, struct ood_request **ret, size_t *n, char *err, size_t len)
	__attribute__((warn_unused_result));
/* Writes the request with every parameter spelled out, "energy:temperature=1", to buf
 * (size len). */
void ood_request_text(const struct ood_request *q, char *buf, size_t len);

/* Index of the largest logit, the first of equal ones. */
size_t ood_argmax(const float *logits, size_t n);
/* log sum exp((logits[i] - shift) / t) over all i but skip (n: none is left out). Does not overflow
 * if shift is the largest of those that count. */
double ood_log_sum_exp(const float *logits, size_t n, size_t skip, double shift, double t);

#ifdef __cplusplus
}
#endif
#endif
