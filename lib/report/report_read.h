/* SPDX-License-Identifier: MIT
 *
 * report_read: the scores of an ID set, and of OOD sets that were made in the same way.
 */
#ifndef REPORT_READ_H
#define REPORT_READ_H

#include "ood/eval/ood_scores.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is known from the ID set's file; initialise it to zero. */
struct report_read {
	char **methods; /* (n) columns to read */
	size_t n;
	bool all;              /* these are all columns of the file */
	struct ts_header made; /* how they were made */
	struct err seen;       /* "", or a line that warns that these rows are no new ones: ood_seen() */
	struct err guess;      /* "", or a line that warns that they are classified by chance: ood_guess_words() */
};

/* Reads the ID set: the columns of list, separated by commas, or (NULL) all. keep: flags of ood_scores_read(). history,
 * unless NULL, gets the file's history. -1 with err. */
int report_read_id(struct report_read *r, const char *path, const char *list, unsigned keep, struct ood_scores *id,
		   struct ts_header *history, struct err *err) TS_CHECKED;
/* Reads the same columns of another set. -1 with err: they are missing, were made differently, or, if all columns are
 * read, there are more. */
int report_read_ood(const struct report_read *r, const char *path, unsigned keep, struct ood_scores *ood,
		    struct ts_header *history, struct err *err) TS_CHECKED;
void report_read_release(struct report_read *r);

#ifdef __cplusplus
}
#endif
#endif
