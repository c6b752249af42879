/* SPDX-License-Identifier: MIT
 * Scores for tables. */
#include "ood/ood_identity.h"
#include "ood/ood_seen.h"
#include "report/report_read.h"
#include "report/report_table.h"

/* Closes the input, with its error in err if rc is -1. */
static int end(struct ood_input *in, int rc, struct ts_header *history, struct err *err)
{
	if (rc == 0 && history && ts_header_chain(history, ood_input_header(in)) < 0)
		rc = ood_input_fail(in, "its history does not fit, or there is no memory for it");
	if (rc < 0)
		err_fail(err, "%s", ood_input_error(in));
	ood_input_close(in);
	return rc;
}

/* Chooses the columns to read, whose names go into tables. */
static int choose(struct report_read *r, struct ood_input *in, const char *list)
{
	const struct ts_header *h = ood_input_header(in);
	struct err err;

	if (!h)
		return -1;
	r->all = !list;
	if (ood_scores_choose(h, list, &r->methods, &r->n, &err) < 0)
		return ood_input_fail(in, "%s", err.text);
	for (size_t i = 0; r->all && i < r->n; i++)
		if (!report_is_printable(r->methods[i]))
			return ood_input_fail(in, "control character in a column's name");
	if (ood_identity_copy(&r->made.meta, &h->meta, r->methods, r->n, &err) < 0)
		return ood_input_fail(in, "%s", err.text);
	return 0;
}

int report_read_id(struct report_read *r, const char *path, const char *list, unsigned keep, struct ood_scores *id,
		   struct ts_header *history, struct err *err)
{
	struct ood_input *in = ood_input_open(path);
	int rc = in ? choose(r, in, list) : err_memory(err);

	if (!in)
		return -1;
	if (rc == 0)
		rc = ood_scores_read(id, in, r->methods, r->n, keep);
	if (rc == 0)
		ood_seen(ood_input_header(in), path, &r->seen);
	if (rc == 0 && ood_guess_words(&id->guess, &r->guess))
		err_prefix(&r->guess, "'%s': ", path);
	return end(in, rc, history, err);
}

int report_read_ood(const struct report_read *r, const char *path, unsigned keep, struct ood_scores *ood,
		    struct ts_header *history, struct err *err)
{
	struct ood_input *in = ood_input_open(path);
	struct err why;
	int rc;

	if (!in)
		return err_memory(err);
	rc = r->all ? ood_scores_no_more(in, r->methods, r->n) : 0;
	for (size_t m = 0; m < r->n && rc == 0 && ood_input_header(in); m++)
		if (ood_identity_check(&r->made.meta, "the ID set", &ood_input_header(in)->meta, "this one",
				       r->methods[m], &why) < 0)
			rc = ood_input_fail(in, "%s", why.text);
	if (rc == 0)
		rc = ood_scores_read(ood, in, r->methods, r->n, keep);
	return end(in, rc, history, err);
}

void report_read_release(struct report_read *r)
{
	ts_strs_free(r->methods, r->n);
	ts_header_release(&r->made);
	*r = (struct report_read){ 0 };
}
