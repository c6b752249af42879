/* SPDX-License-Identifier: MIT
 *
 * err_near: finds the existing name that was probably meant when an unknown one is typed.
 *
 *	struct err_near n = err_near(word);
 *	for (...)
 *		err_near_try(&n, names[i]);
 *	return err_fail(err, "there is no field '%s'%s", word, err_near_text(&n, "'"));
 */
#ifndef ERR_NEAR_H
#define ERR_NEAR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct err_near {
	const char *word, *best; /* borrowed; best NULL: none is similar */
	size_t distance;         /* letters to change, add, omit, or swap with the next */
	char text[128];
};
struct err_near err_near(const char *word);
/* Offers an existing name, which must outlive n. It is taken if it is nearer than all before it and at most a third of
 * its letters differ; or if it begins with the word, which must have three letters or more. */
void err_near_try(struct err_near *n, const char *name);
/* "; did you mean 'NAME'?" with these quotes ("" none, "--" in front), or "". */
const char *err_near_text(struct err_near *n, const char *quote);

#ifdef __cplusplus
}
#endif
#endif
