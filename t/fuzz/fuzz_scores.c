/* SPDX-License-Identifier: MIT
 * fuzz_scores: any bytes as another program's scores, in a table or one number per line. No number that is read is NaN.
 * */
#include <math.h>

#include "file.h"
#include "ood/eval/ood_column.h"
#include "ood/eval/ood_scores.h"

static volatile double sink; /* what was read is used */

static void as_table(const char *path)
{
	struct ood_input *in = ood_input_open(path);
	const struct ts_header *h;
	struct ood_scores set = { 0 };
	struct err err = { 0 };
	char **names = NULL;
	size_t n = 0;

	hold(in != NULL);
	if ((h = ood_input_header(in)) == NULL) {
		hold(ood_input_error(in) != NULL);
	} else if (ood_scores_choose(h, NULL, &names, &n, &err) < 0) {
		hold_text(&err);
	} else if (ood_scores_read(&set, in, names, n, OOD_SCORES_ORDER | OOD_SCORES_RIGHT) < 0) {
		hold(ood_input_error(in) != NULL);
	} else {
		hold(ood_scores_sort(&set) == 0);
		for (size_t m = 0; m < n; m++)
			for (size_t i = 0; i < set.n; i++) {
				double v = set.wide && set.wide[m] ? set.wide[m][i] : (double)set.scores[m][i];
				hold(!isnan(v));
				sink += v;
			}
	}
	ood_scores_release(&set);
	ts_strs_free(names, n);
	ood_input_close(in);
}

static void as_numbers(const char *path)
{
	struct ood_origin from;
	struct err err = { 0 };
	size_t n = 0;
	double *v = ood_column_read(path, NULL, &n, &from, &err);

	if (!v)
		hold_text(&err);
	for (size_t i = 0; v && i < n; i++)
		hold(!isnan(v[i]));
	ood_origin_release(&from);
	free(v);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *path = file_path("scores");

	file_write(path, data, size);
	as_table(path);
	as_numbers(path);
	return 0;
}
