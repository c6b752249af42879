/* SPDX-License-Identifier: MIT
 * Wrong labels, from a matrix of probabilities; for symmetric noise that is 1 - rate on the diagonal, and the rate in
 * equal shares elsewhere. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ds/ds_noise.h"
#include "ts/ts_rng.h"
#include "ts/ts_utf8.h"

struct ds_noise {
	size_t classes;
	uint64_t seed;
	double *p; /* (classes, classes): probability of the label, given the class */
};

static void symmetric(struct ds_noise *z, double rate)
{
	for (size_t i = 0; i < z->classes; i++)
		for (size_t k = 0; k < z->classes; k++)
			z->p[i * z->classes + k] = i == k ? 1 - rate : rate / (double)(z->classes - 1);
}

/* A line of the matrix. */
static int parse_line(const struct ds_noise *z, const char *line, double *p, struct err *err)
{
	static const char blank[] = " \t,\r\n";
	double sum = 0;
	size_t n = 0;

	for (const char *word = line + strspn(line, blank); *word; n++) {
		char *end;
		const double v = strtod(word, &end);

		if (end == word || end != word + strcspn(word, blank) || !(v >= 0 && v <= 1))
			return err_fail(err, "'%.*s' is not a probability from 0 to 1", (int)strcspn(word, blank),
					word);
		if (n < z->classes)
			p[n] = v;
		sum += v;
		word = end + strspn(end, blank);
	}
	if (n != z->classes)
		return err_fail(err, "%zu numbers for %zu classes", n, z->classes);
	if (fabs(sum - 1) > 1e-4)
		return err_fail(err, "the numbers sum to %.6g and not to 1", sum);
	return 0;
}

static int read_lines(struct ds_noise *z, FILE *f, const char *path, struct err *err)
{
	const size_t most = 64 + 32 * z->classes; /* bytes of a line */
	char *line = malloc(most);
	size_t at = 0;
	int rc = line ? 0 : err_memory(err);

	while (rc == 0 && fgets(line, (int)most, f)) {
		if (strlen(line) + 1 == most)
			rc = err_fail(err, "'%s': line %zu: longer than %zu bytes", path, at + 1, most - 1);
		else if (at == z->classes)
			rc = line[strspn(line, " \t\r\n")] ?
				     err_fail(err, "'%s': more than %zu lines, one for each class", path, z->classes) :
				     0;
		else if (parse_line(z, line + (at ? 0 : ts_utf8_mark(line)), z->p + at * z->classes, err) < 0)
			rc = err_prefix(err, "'%s': line %zu: ", path, at + 1);
		else
			at++;
	}
	if (rc == 0 && ferror(f))
		rc = err_fail(err, "cannot read '%s': %s", path, strerror(errno));
	if (rc == 0 && at < z->classes)
		rc = err_fail(err, "'%s': %zu lines for %zu classes", path, at, z->classes);
	free(line);
	return rc;
}

static int read_matrix(struct ds_noise *z, const char *path, struct err *err)
{
	FILE *f = fopen(path, "r");
	int rc;

	if (!f)
		return err_fail(err,
				"--label-noise: '%s' is neither a share from 0 to 1 nor a file that can be read: %s",
				path, strerror(errno));
	rc = read_lines(z, f, path, err);
	fclose(f);
	return rc;
}

int ds_noise_new(struct ds_noise **ret, const char *what, size_t classes, uint64_t seed, struct err *err)
{
	struct ds_noise *z;
	char *end;
	const double rate = strtod(what, &end);
	int rc = 0;

	*ret = NULL;
	if (classes < 2)
		return err_fail(err, "--label-noise needs images of two classes or more, whose labels can be confused");
	z = calloc(1, sizeof *z);
	if (!z || !(z->p = calloc(classes * classes, sizeof *z->p))) {
		free(z);
		return err_memory(err);
	}
	z->classes = classes;
	z->seed = seed;
	if (end == what || *end)
		rc = read_matrix(z, what, err);
	else if (rate >= 0 && rate <= 1)
		symmetric(z, rate);
	else
		rc = err_fail(err, "--label-noise: %s is not a share from 0 to 1", what);
	if (rc == 0)
		*ret = z;
	else
		ds_noise_free(z);
	return rc;
}

void ds_noise_free(struct ds_noise *z)
{
	if (!z)
		return;
	free(z->p);
	free(z);
}

int64_t ds_noise_label(const struct ds_noise *z, const char *name, int64_t label)
{
	struct ts_rng rng = ts_rng_new(z->seed, XXH3_64bits(name, strlen(name)));
	double left = ts_rng_double(&rng);

	if (label < 0 || (size_t)label >= z->classes)
		return label;
	for (size_t k = 0; k < z->classes; k++) {
		left -= z->p[(size_t)label * z->classes + k];
		if (left < 0)
			return (int64_t)k;
	}
	return label; /* rounding: the line sums to a little less than 1 */
}

int ds_noise_header(struct ts_header *h)
{
	return ts_header_add(h, "true-label", TS_I64, 0, NULL) < 0 ? -1 : ts_header_add(h, "noisy", TS_U8, 0, NULL);
}

int64_t ds_noise_put(const struct ds_noise *z, const char *name, int64_t label, struct ts_col *columns, size_t i)
{
	const int64_t now = ds_noise_label(z, name, label);

	((int64_t *)columns[0].data)[i] = label;
	((uint8_t *)columns[1].data)[i] = now != label;
	return now;
}
