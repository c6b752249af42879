/* SPDX-License-Identifier: MIT
 *
 * ood_method: scores samples from their logits and features, and parses users' requests for scores.
 * Everywhere in unmask a larger score means more in-distribution.
 *
 * A family of methods is a file that ends in an array of struct ood_method; adding a method means adding an entry
 * there. ood_method.c lists the families. A method is prepared once, from the last layer and the fits (prepare), and
 * then scores rows, in several threads.
 *
 * Scores are computed in double and do not saturate: samples that differ in confidence get different scores as long as
 * the caller's type can hold the difference.
 *
 * A request is METHOD[:PARAMETER=VALUE]... in a comma-separated list:
 *
 *	msp,energy,energy:temperature=10
 *
 * and METHOD+SCORE[:PARAMETER=VALUE]... for the logits of reshaped features, scored by another method that works on
 * logits; it takes the parameters of both:
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

/* What all scores share: data from a stream of features and from fits. Scorers borrow it. */
struct ood_basis {
	size_t classes, dim;             /* classes 0: the stream has no logits; dim 0: no features */
	double *weight, *bias;           /* (C,D), (C): the last layer, or NULL; never without logits */
	const struct ood_fit *fit, *val; /* of training data, of validation data; or NULL */
	const struct ood_fit *outliers;  /* of data known to be out-of-distribution; or NULL */
	const struct ts_header *header;  /* of the features stream */
	size_t logits_at, features_at;   /* numbers of its columns, if it has them, in every batch */
	ptrdiff_t label_at, name_at;     /* -1: there is none */
};

/* Takes from a features stream its sizes, last layer (new, freed with ood_basis_release()) and header (borrowed). The
 * caller sets the fits. -1: r has failed and holds the reason: neither logits nor features, or columns of another type
 * or shape than um-embed writes, or a last layer that does not fit them. */
int ood_basis_init(struct ood_basis *s, struct ts_reader *r) TS_CHECKED;
/* The same from a header. */
int ood_basis_of(struct ood_basis *s, const struct ts_header *h, struct err *err) TS_CHECKED;
void ood_basis_release(struct ood_basis *s);
/* Checks that a fit, called `path`, was made with the model that made the stream, called `name`. */
int ood_basis_check(const struct ood_basis *s, const char *name, const struct ood_fit *f, const char *path,
		    struct err *err) TS_CHECKED;
/* Loads a fit and checks it so. */
int ood_basis_fit(const struct ood_basis *s, const char *name, struct ood_fit **ret, const char *path,
		  struct err *err) TS_CHECKED;

/* Rows to score, at most OOD_CHUNK. */
struct ood_rows {
	size_t n;
	const float *logits, *features; /* (n,C), (n,D); NULL: none */
	const struct ts_batch *batch;   /* the whole batch, for its other columns */
	size_t first;                   /* the batch's row where these rows start */
};

struct ood_scorer;

struct ood_method {
	const char *name, *help; /* help: one line on what it computes */
	const char *needs;       /* options for input beyond what um-embed writes by default; NULL: none */
	const char *made; /* key of the meta, up to the dot, that says how um-embed made its columns; NULL: name */
	unsigned parts;   /* enum ood_part: what it needs of a fit */
	bool fitted;      /* uses a fit without asking for a part: class means, layers, Gram matrices */
	bool alone;       /* works without logits, in the stream and in the fit */
	bool outliers;    /* also uses the fit of outliers */
	bool reshapes;    /* makes new logits: METHOD+SCORE, SCORE a method with logits(), may follow it */
	struct ood_param params[OOD_MAX_PARAMS];
	/* One bit for each parameter added after the method was first released. Files spell these out only if they
	 * differ from the default, so that older files still match. */
	unsigned later;
	/* A method has either this, which scores one sample from its logits (n >= 2 finite numbers), */
	double (*logits)(const float *logits, size_t n, const double *params);
	/* or these. prepare() fills s->state, with memory from ood_keep(), and may write s->note; it fails with a
	 * reason in err if the method cannot work. NULL: nothing to prepare. score() computes one number per row; -1:
	 * out of memory, the only reason. */
	int (*prepare)(struct ood_scorer *s, struct err *err);
	int (*score)(const struct ood_scorer *s, const struct ood_rows *rows, double *out);
	/* Replaces score() where methods share most of their work: gets all scorers with this function at once, and
	 * fills out[m] for s[m]. -1: out of memory. */
	int (*together)(const struct ood_scorer *const *s, size_t n, const struct ood_rows *rows, double *const *out);
	/* Writes what the user should know about the scored rows into note, which is empty. NULL: nothing to say. */
	void (*after)(const struct ood_scorer *s, char note[OOD_NOTE]);
};

/* Does a score of the method depend on a fit? */
static inline bool ood_method_fitted(const struct ood_method *m)
{
	return m->parts || m->fitted;
}

/* All families, ending with NULL; each family ends with a method without a name. `all` requests the methods in this
 * order. */
extern const struct ood_method *const ood_families[];
/* The families' titles in lists, capitalised; neighbours may share one. */
extern const char *const ood_family_titles[];

/* ---- requests --------------------------------------------------------------------------------- */

/* A method with its parameters' values. */
struct ood_request {
	const struct ood_method *method, *then; /* then: scores the new logits; NULL: the method's own score */
	double params[OOD_MAX_PARAMS], then_params[OOD_MAX_PARAMS];
	char column[OOD_MAX_COLUMN]; /* the method's name, or the whole text if it has parameters */
	bool optional;               /* from `all`: left out if it cannot work */
};
struct ood_requests {
	struct ood_request *q;
	size_t n;
};

/* Parses the list text and appends to *r, which the caller has zeroed and frees with ood_requests_release(); `all`
 * stands for every method with its defaults. -1: err holds a line: an unknown method (the line lists the known ones) or
 * parameter, a value out of range, the same column twice. */
int ood_requests_add(struct ood_requests *r, const char *text, struct err *err) TS_CHECKED;
/* The same for METHOD:PARAMETER=V1,V2,...[:PARAMETER=...]: one column for every combination of the values. */
int ood_requests_sweep(struct ood_requests *r, const char *text, struct err *err) TS_CHECKED;
void ood_requests_release(struct ood_requests *r);
/* Writes the request with every parameter spelled out, "energy:temperature=1", except later ones that have their
 * defaults, to buf (size len; OOD_MAX_TEXT is always enough). */
void ood_request_text(const struct ood_request *q, char *buf, size_t len);

/* ---- scorers: requests that are ready --------------------------------------------------------- */

struct ood_scorer {
	struct ood_request request;
	const struct ood_basis *basis;
	void *state;                  /* the method's own */
	void (*release)(void *state); /* frees what is not from ood_keep(); NULL: nothing */
	void **kept;
	size_t n_kept;
	size_t without;      /* classes that have no sample in the fit, which the score leaves out */
	char note[OOD_NOTE]; /* what the user should know; "": nothing */
};

/* Prepares the request. The basis must outlive the scorer. -1 with a reason in err: what is missing and which program
 * makes it, or why the method cannot work on this data, for example that all samples of the fit's bank get the same
 * score. */
int ood_scorer_init(struct ood_scorer *s, const struct ood_request *q, const struct ood_basis *basis,
		    struct err *err) TS_CHECKED;
void ood_scorer_release(struct ood_scorer *s);
/* Makes the *n scorers of all requests, in an array that must not move, as pointers to scorers are kept. A request from
 * `all` that cannot work is left out, and left() gets the reason; any other fails with its name in err. */
typedef void ood_left_fn(void *data, const struct ood_request *q, const char *why);
int ood_scorers_new(struct ood_scorer **ret, size_t *n, const struct ood_requests *r, const struct ood_basis *basis,
		    ood_left_fn *left, void *data, struct err *err) TS_CHECKED;
void ood_scorers_free(struct ood_scorer *s, size_t n);
/* One number per row, in double. -1: out of memory. */
int ood_score_rows(const struct ood_scorer *s, const struct ood_rows *rows, double *out) TS_CHECKED;
/* Writes what the user should know about the rows scored so far into note, and returns it; "": nothing. */
const char *ood_score_note(const struct ood_scorer *s, char note[OOD_NOTE]);
/* Scores a batch of the features stream with n scorers on `threads` threads: out[m] gets one number per row from scorer
 * m. The result does not depend on the number of threads. -1 with a line in err that names the row, counted from `row`
 * for the batch's first: a number that is not finite, or a score beyond <f4. */
int ood_score_batch(const struct ood_scorer *s, size_t n, const struct ts_batch *b, uint64_t row, int threads,
		    float *const *out, struct err *err) TS_CHECKED;

/* ---- for methods ------------------------------------------------------------------------------ */

/* Zeroed memory that is freed with the scorer. NULL: out of memory, with a line in err. */
void *ood_keep(struct ood_scorer *s, size_t count, size_t size, struct err *err);
/* Each fails unless the basis has what is needed; the line in err says how to get it. */
int ood_need_logits(const struct ood_scorer *s, struct err *err); /* and in the fit, if the method uses parts of one */
int ood_need_logits_of(const struct ood_fit *f, struct err *err);
int ood_need_features(const struct ood_scorer *s, struct err *err);
int ood_need_head(const struct ood_scorer *s, struct err *err);   /* and features */
int ood_need_fit(const struct ood_scorer *s, struct err *err);    /* and features, and its parts */
int ood_need_labels(const struct ood_scorer *s, struct err *err); /* a fit whose rows are all labelled */
/* The fit of validation data if there is one, else that of training data. */
const struct ood_fit *ood_validation(const struct ood_scorer *s);

#ifdef __cplusplus
}
#endif
#endif
