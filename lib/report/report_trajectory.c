/* SPDX-License-Identifier: MIT
 * OOD detection quality during training. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/report_svg.h"
#include "report/report_trajectory.h"

/* Columns, in the order of `number` after the first three. */
enum { RUN, EPOCH, SET, NUMBERS, COLUMNS = NUMBERS + REPORT_TRAJECTORY_NUMBERS };
static const char *const columns[COLUMNS] = { "run", "epoch", "set", "fpr95", "auroc", "id_acc" };
static const char *const titles[] = { "FPR95, %, smaller is better", "AUROC, %", "ID accuracy, %" };

/* Finds the columns in the heading. */
static int take_heading(size_t at[COLUMNS], char *line, struct err *err)
{
	char *cell;

	for (size_t c = 0; c < COLUMNS; c++)
		at[c] = SIZE_MAX;
	for (size_t i = 0; (cell = strsep(&line, "\t")); i++)
		for (size_t c = 0; c < COLUMNS; c++)
			if (strcmp(cell, columns[c]) == 0)
				at[c] = i;
	for (size_t c = 0; c < COLUMNS; c++)
		if (at[c] == SIZE_MAX)
			return err_fail(err, "no column '%s', which tables of pipelines/trajectory.mk have",
					columns[c]);
	return 0;
}

static struct report_trajectory_run *run_of(struct report_trajectory *t, const char *name, struct err *err)
{
	struct report_trajectory_run *r;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->run[i].name, name) == 0)
			return &t->run[i];
	if (t->n == REPORT_TRAJECTORY_RUNS) {
		err_fail(err, "'" ERR_NAME "' is one run more than the %d that a picture can show", name,
			 REPORT_TRAJECTORY_RUNS);
		return NULL;
	}
	r = &t->run[t->n];
	if (!(r->name = strdup(name))) {
		err_memory(err);
		return NULL;
	}
	t->n++;
	return r;
}

static int append(double **v, size_t n, double x, struct err *err)
{
	double *grown = realloc(*v, (n + 1) * sizeof *grown);

	if (!grown)
		return err_memory(err);
	*v = grown;
	grown[n] = x;
	return 0;
}

static int number(const char *text, double *ret, struct err *err)
{
	char *end;

	*ret = NAN;
	if (strcmp(text, "-") == 0)
		return 0;
	*ret = strtod(text, &end);
	if (end == text || *end || !isfinite(*ret))
		return err_fail(err, "'" ERR_NAME "' is not a number", text);
	return 0;
}

static int take_row(struct report_trajectory *t, const size_t at[COLUMNS], char *line, struct err *err)
{
	const char *cells[COLUMNS] = { 0 };
	struct report_trajectory_run *r;
	double v;
	char *cell;

	for (size_t i = 0; (cell = strsep(&line, "\t")); i++)
		for (size_t c = 0; c < COLUMNS; c++)
			if (at[c] == i)
				cells[c] = cell;
	for (size_t c = 0; c < COLUMNS; c++)
		if (!cells[c])
			return err_fail(err, "has no cell for the column '%s'", columns[c]);
	if (strcmp(cells[SET], "average") != 0)
		return 0;
	if (!(r = run_of(t, cells[RUN], err)) || number(cells[EPOCH], &v, err) < 0 ||
	    append(&r->epoch, r->n, v, err) < 0)
		return -1;
	for (size_t k = 0; k < REPORT_TRAJECTORY_NUMBERS; k++)
		if (number(cells[NUMBERS + k], &v, err) < 0 || append(&r->number[k], r->n, v, err) < 0)
			return -1;
	r->n++;
	return 0;
}

int report_trajectory_read(struct report_trajectory *t, const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	size_t cap = 0, lines = 0, at[COLUMNS];
	char *line = NULL;
	int rc = f ? 1 : err_fail(err, "cannot open '%s': %s", path, strerror(errno));

	*t = (struct report_trajectory){ 0 };
	while (rc == 1 && (rc = cli_line(f, &line, &cap, err)) != 0) {
		lines++;
		if (rc == 1 && (lines == 1 ? take_heading(at, line, err) : take_row(t, at, line, err)) < 0)
			rc = -1;
		if (rc < 0)
			err_prefix(err, "'%s': line %zu: ", path, lines);
	}
	if (rc == 0 && t->n == 0)
		rc = err_fail(err, "'%s': no row of the set 'average'", path);
	if (f)
		fclose(f);
	free(line);
	return rc;
}

void report_trajectory_put(FILE *f, const struct report_trajectory *t)
{
	struct report_svg_line lines[REPORT_TRAJECTORY_RUNS];

	if (t->n == 0)
		return;
	fputs("<h2>Along training</h2>\n<p>Averages over the OOD sets, epoch by epoch.</p>\n<div class=\"plots\">\n",
	      f);
	for (size_t k = 0; k < REPORT_TRAJECTORY_NUMBERS; k++) {
		for (size_t i = 0; i < t->n; i++)
			lines[i] = (struct report_svg_line){ t->run[i].name, t->run[i].epoch, t->run[i].number[k],
							     t->run[i].n };
		report_svg_lines(f, titles[k], "epoch", lines, t->n);
	}
	fputs("</div>\n", f);
}

void report_trajectory_release(struct report_trajectory *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->run[i].name);
		free(t->run[i].epoch);
		for (size_t k = 0; k < REPORT_TRAJECTORY_NUMBERS; k++)
			free(t->run[i].number[k]);
	}
	t->n = 0;
}
