/* SPDX-License-Identifier: MIT
 *
 * err_near: the name that somebody may have meant who typed one that is not there.
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
	const char *word, *best; /* borrowed; best NULL: none is near */
	size_t distance;         /* letters to change, add, leave out, or swap with the next */
	char text[128];
};
struct err_near err_near(const char *word);
/* A name that there is, which stays where it is. The first of equally near ones is taken, where no more than a third
 * of its letters differ; or one that the word, of three letters or more, begins. */
void err_near_try(struct err_near *n, const char *name);
/* "; did you mean 'NAME'?" with these quotes ("" none, "--" in front), or "". */
const char *err_near_text(struct err_near *n, const char *quote);

#ifdef __cplusplus
}
#endif
#endif
