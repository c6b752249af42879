/* SPDX-License-Identifier: MIT
 *
 * ood_method: scores of samples from their logits and features, and how a user asks for them.
 * Everywhere in unmask a larger score means more in-distribution.
 *
 * A family of methods is a file that ends in an array of struct ood_method; adding a method is a row
 * there. ood_method.c lists the families. A method gets ready once, from the last layer and the fits
 * (prepare), and then scores rows, several threads at a time.
 *
 * Scores are computed in double and leave nothing to saturate: samples that differ in confidence get
 * different scores as long as the caller's own type can hold the difference.
 *
 * Users ask with text, METHOD[:PARAMETER=VALUE]... in a list separated by commas:
 *
 *	msp,energy,energy:temperature=10
 *
 * and METHOD+SCORE[:PARAMETER=VALUE]... for the logits of reshaped features, scored by another method of logits; the
 * parameters are those of both:
 *
 *	react+msp,ash-s+msp:percentile=65:temperature=1000
 */
#ifndef OOD_METHOD_H
#define OOD_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err/err.h"
#include "ood/fit/ood_fit.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_MAX_PARAMS = 8, OOD_MAX_COLUMN = 128, OOD_MAX_TEXT = 768, OOD_CHUNK = 128, OOD_NOTE = 160 };

struct ood_param {
	const char *name;       /* NULL: no more parameters */
	double value, min, max; /* default, and the range, both ends included */
	const char *help;
};

/* The basis of scores: what a stream of features, and fits, give to all of them; borrowed by all. */
struct ood_basis {
	size_t classes, dim;             /* classes 0: the stream has no logits; dim 0: no features */
	double *weight, *bias;           /* (C,D), (C): the last layer, or NULL; never without logits */
	const struct ood_fit *fit, *val; /* of training data, of validation data; or NULL */
	const struct ood_fit *outliers;  /* of what is known to be out-of-distribution; or NULL */
	const struct ts_header *header;  /* of the features stream */
	size_t logits_at, features_at;   /* numbers of its columns, in every batch, of those that it has */
	ptrdiff_t label_at, name_at;     /* -1: there is none */
};

/* What a features stream gives: sizes, last layer (new, freed with ood_basis_release()), header (borrowed). The fits
 * are the caller's to set. -1: r has failed and says why: neither logits nor features, or columns of another type or
 * shape than um-embed writes, or a last layer that does not go with them. */
int ood_basis_init(struct ood_basis *s, struct ts_reader *r) TS_CHECKED;
/* The same of a header that is at hand. */
int ood_basis_of(struct ood_basis *s, const struct ts_header *h, struct err *err) TS_CHECKED;
void ood_basis_release(struct ood_basis *s);
/* Checks that a fit, called `path`, was made with the model that made the stream, called `name`. */
int ood_basis_check(const struct ood_basis *s, const char *name, const struct ood_fit *f, const char *path,
		    struct err *err) TS_CHECKED;
/* Loads one and does so. */
int ood_basis_fit(const struct ood_basis *s, const char *name, struct ood_fit **ret, const char *path,
		  struct err *err) TS_CHECKED;

/* Rows to score, at most OOD_CHUNK. */
struct ood_rows {
	size_t n;
	const float *logits, *features; /* (n,C), (n,D); NULL: there are none */
	const struct ts_batch *batch;   /* the whole batch, for further columns, */
	size_t first;                   /* where these rows start at this one */
};

struct ood_scorer;

struct ood_method {
	const char *name, *help; /* help: one line that says what is computed */
	const char *needs;       /* beside what um-embed writes without being asked, as options; NULL: nothing */
	unsigned parts;          /* enum ood_part: what it needs of a fit */
	bool fitted;   /* goes by a fit without asking for a part: by means of classes, layers, Gram matrices */
	bool alone;    /* may go without logits, of the stream and of the fit */
	bool outliers; /* goes by the fit of outliers, too */
	bool reshapes; /* makes new logits: METHOD+SCORE, SCORE a method with logits(), may follow it */
	struct ood_param params[OOD_MAX_PARAMS];
	/* A bit for each parameter that came when the method was in use: spelled out only where it is not the default, so
	 * that files of before say the same of themselves as those of today. */
	unsigned later;
	/* One sample from its logits: classes >= 2 finite numbers. A method has either this, */
	double (*logits)(const float *logits, size_t n, const double *params);
	/* or these. prepare() fills s->state, with memory from ood_keep(), and may write s->note; it
	 * fails with a reason in err where the method cannot work. NULL: nothing to prepare. score()
	 * gives one number per row; -1: out of memory, the only reason. */
	int (*prepare)(struct ood_scorer *s, struct err *err);
	int (*score)(const struct ood_scorer *s, const struct ood_rows *rows, double *out);
	/* Instead of score(), where methods share most of their work: all scorers with this function get
	 * the rows at once, and give out[m] for s[m]. -1: out of memory. */
	int (*together)(const struct ood_scorer *const *s, size_t n, const struct ood_rows *rows, double *const *out);
	/* What the user should know of the rows that were scored, into note, which is empty; NULL: nothing. */
	void (*after)(const struct ood_scorer *s, char note[OOD_NOTE]);
};

/* Does a score of the method depend on a fit? */
static inline bool ood_method_fitted(const struct ood_method *m)
{
	return m->parts || m->fitted;
}

/* Every family, NULL ends; in each, a method without a name ends. In the order in which `all` gives
 * the methods. */
extern const struct ood_method *const ood_families[];
/* Writes every method with its help and what it needs, and below it its parameters: name, help, default and range; in
 * groups, whose headings begin with a capital letter. */
void ood_methods_list(FILE *f);

/* ---- requests --------------------------------------------------------------------------------- */

/* A method with its parameters' values. */
struct ood_request {
	const struct ood_method *method, *then; /* then: what the new logits are scored by; NULL: as the method does */
	double params[OOD_MAX_PARAMS], then_params[OOD_MAX_PARAMS];
	char column[OOD_MAX_COLUMN]; /* the method's name, or all the text if parametrised */
	bool optional;               /* from `all`: left out where it cannot work */
};
struct ood_requests {
	struct ood_request *q;
	size_t n;
};

/* Takes the list text apart and appends to *r, which the caller zeroed and frees with
 * ood_requests_release(); `all` stands for every method with its defaults. -1: err holds a
 * line: an unknown method (the line lists those there are) or parameter, a value out of range, the
 * same column twice. */
int ood_requests_add(struct ood_requests *r, const char *text, struct err *err) TS_CHECKED;
/* The same for METHOD:PARAMETER=V1,V2,...[:PARAMETER=...]: every combination of the values, a column
 * each. */
int ood_requests_sweep(struct ood_requests *r, const char *text, struct err *err) TS_CHECKED;
void ood_requests_release(struct ood_requests *r);
/* Writes the request with every parameter spelled out, "energy:temperature=1", but those that came later and have
 * their defaults, to buf (size len; OOD_MAX_TEXT does for all). */
void ood_request_text(const struct ood_request *q, char *buf, size_t len);

/* ---- scorers: requests that are ready --------------------------------------------------------- */

struct ood_scorer {
	struct ood_request request;
	const struct ood_basis *basis;
	void *state;                  /* the method's own */
	void (*release)(void *state); /* frees what it holds beside ood_keep(); NULL: nothing */
	void **kept;
	size_t n_kept;
	char note[OOD_NOTE]; /* what the user should know; "" nothing */
};

/* Makes the request ready. The basis must outlive the scorer. -1 with a reason in err: what is
 * missing and which program makes it, or why the method cannot work on this data; among it that it
 * gives all samples of the fit's bank the same score. */
int ood_scorer_init(struct ood_scorer *s, const struct ood_request *q, const struct ood_basis *basis,
		    struct err *err) TS_CHECKED;
void ood_scorer_release(struct ood_scorer *s);
/* The scorers of all requests, *n of them, an array that stays where it is: scorers are pointed at. A request of `all`
 * that cannot work is left out, and left() is told why; any other fails with its name in err. */
typedef void ood_left_fn(void *data, const struct ood_request *q, const char *why);
int ood_scorers_new(struct ood_scorer **ret, size_t *n, const struct ood_requests *r, const struct ood_basis *basis,
		    ood_left_fn *left, void *data, struct err *err) TS_CHECKED;
void ood_scorers_free(struct ood_scorer *s, size_t n);
/* One number per row, in double. -1: out of memory. */
int ood_score_rows(const struct ood_scorer *s, const struct ood_rows *rows, double *out) TS_CHECKED;
/* What the user should know of the rows that were scored so far, in note, which is returned; "": nothing. */
const char *ood_score_note(const struct ood_scorer *s, char note[OOD_NOTE]);
/* Scores a batch of the stream of features with n scorers, `threads` at a time: out[m] gets a number per row
 * for scorer m. The result does not depend on the number of threads. -1 with a line in err: a number
 * that is not finite in row `row` of the file + its place in the batch, a score beyond <f4. */
int ood_score_batch(const struct ood_scorer *s, size_t n, const struct ts_batch *b, uint64_t row, int threads,
		    float *const *out, struct err *err) TS_CHECKED;

/* ---- for methods ------------------------------------------------------------------------------ */

/* Zeroed memory that is freed with the scorer. NULL: out of memory, which err says then. */
void *ood_keep(struct ood_scorer *s, size_t count, size_t size, struct err *err);
/* Fails unless the basis has what is asked for; the line in err says how to get it. */
int ood_need_logits(const struct ood_scorer *s, struct err *err); /* and of the fit, if it goes by parts of one */
int ood_need_logits_of(const struct ood_fit *f, struct err *err);
int ood_need_features(const struct ood_scorer *s, struct err *err);
int ood_need_head(const struct ood_scorer *s, struct err *err);   /* and features */
int ood_need_fit(const struct ood_scorer *s, struct err *err);    /* and features, and its parts */
int ood_need_labels(const struct ood_scorer *s, struct err *err); /* a fit whose rows are all labelled */
/* The fit of validation data, or else the one of training data. */
const struct ood_fit *ood_validation(const struct ood_scorer *s);

#ifdef __cplusplus
}
#endif
#endif
