/* SPDX-License-Identifier: MIT
 * The page of ood-report. */
#include <math.h>
#include <stdlib.h>

#include "report/report_drift.h"
#include "report/report_html.h"
#include "report/report_operands.h"
#include "report/report_page.h"
#include "report/report_svg.h"

static const int shown[] = { OOD_AUROC, OOD_AUPR_IN, OOD_AUPR_OUT, OOD_FPR95 };
enum { SHOWN = sizeof shown / sizeof *shown };

/* ---- the table ------------------------------------------------------------------------------- */

static void put_heading(FILE *f, const char *words, bool text, const char *meaning)
{
	fprintf(f, "<th scope=\"col\" class=\"%s\"><button type=\"button\" title=\"", text ? "w" : "n");
	report_html_text(f, meaning);
	fputs("\">", f);
	report_html_text(f, words);
	fputs("</button></th>", f);
}

static void put_word(FILE *f, const char *word)
{
	fputs("<td class=\"w\">", f);
	report_html_text(f, word);
	fputs("</td>", f);
}

/* Writes a share in percent, with its interval if it has one; sorting uses all its digits. */
static void put_share(FILE *f, double v, double low, double high)
{
	if (isnan(v)) {
		fputs("<td data-v=\"\">-</td>", f);
		return;
	}
	fprintf(f, "<td data-v=\"%.9g\">%.2f", v, 100 * v);
	if (!isnan(low))
		fprintf(f, " <small>[%.2f %.2f]</small>", 100 * low, 100 * high);
	fputs("</td>", f);
}

static void put_row(FILE *f, const char *method, const char *set, const struct ood_result *r, size_t n)
{
	fputs(n ? "<tr>" : "<tr class=\"mean\">", f);
	put_word(f, method);
	put_word(f, set);
	for (int k = 0; k < SHOWN; k++)
		put_share(f, r->m.v[shown[k]], r->low.v[shown[k]], r->high.v[shown[k]]);
	if (n)
		fprintf(f, "<td data-v=\"%zu\">%zu</td></tr>\n", n, n);
	else
		fputs("<td data-v=\"\">-</td></tr>\n", f);
}

static void put_table(FILE *f, const struct report_page *p)
{
	fprintf(f,
		"<h2>Table</h2>\n<p>In percent%s. A heading sorts the table by its column.</p>\n"
		"<div class=\"wide\"><table><thead><tr>",
		p->bootstrap ? ", with 95 % intervals of the bootstrap" :
			       ", with 95 % intervals of AUROC for other rows of the same kind (DeLong)");
	put_heading(f, "Score", true, "the method");
	put_heading(f, "Set", true, "the OOD set, or an average over sets, all of one weight");
	for (int k = 0; k < SHOWN; k++)
		put_heading(f, ood_metric_names[shown[k]].head, false, ood_metric_names[shown[k]].meaning);
	put_heading(f, "Rows", false, "rows of the OOD set");
	fputs("</tr></thead><tbody>\n", f);
	for (size_t m = 0; m < p->n_methods; m++) {
		for (size_t i = 0; i < p->n_sets; i++)
			put_row(f, p->methods[m], p->sets[i].name, &p->sets[i].results[m], p->sets[i].scores.n);
		for (int g = 0; g < OOD_MAX_GROUPS && p->n_sets > 1; g++)
			if (p->averages[g])
				put_row(f, p->methods[m], report_groups[g], &p->averages[g][m], 0);
	}
	fputs("</tbody></table></div>\n", f);
}

/* ---- each score ------------------------------------------------------------------------------ */

static int put_plots(FILE *f, const struct report_page *p, size_t m, struct err *err)
{
	struct report_svg_set *sets = calloc(p->n_sets, sizeof *sets);

	if (!sets)
		return err_memory(err);
	fputs("<div class=\"plots\">\n", f);
	for (size_t i = 0; i < p->n_sets; i++) {
		sets[i].name = p->sets[i].name;
		sets[i].auroc = p->sets[i].results[m].m.v[OOD_AUROC];
		ood_scores_pair(&p->id.scores, &p->sets[i].scores, m, &sets[i].id, &sets[i].sample);
		report_svg_hist(f, &sets[i]);
	}
	report_svg_roc(f, sets, p->n_sets);
	fputs("</div>\n", f);
	free(sets);
	return 0;
}

static int put_images(FILE *f, const char *what, const struct report_page_set *s, size_t m, bool largest, size_t *room,
		      size_t *left, struct err *err)
{
	if (!s->thumbs.n)
		return 0;
	fputs("<h3>", f);
	report_html_text(f, s->name);
	fprintf(f, ": %s</h3>\n", what);
	return report_thumbs_put(f, &s->thumbs, m, largest, room, left, err);
}

static int put_drift(FILE *f, const struct report_page *p, size_t m, struct err *err)
{
	if (p->drift.scores.n == 0)
		return 0;
	fputs("<h3>", f);
	report_html_text(f, p->drift.name);
	fputs(": drift</h3>\n", f);
	return report_drift_put(f, &p->id.scores, &p->drift.scores, m, err);
}

static int put_method(FILE *f, const struct report_page *p, size_t m, size_t *room, size_t *left, struct err *err)
{
	fprintf(f, "<details%s><summary>", m == 0 ? " open" : "");
	report_html_text(f, p->methods[m]);
	fputs("</summary>\n", f);
	if (put_plots(f, p, m, err) < 0 || put_drift(f, p, m, err) < 0 ||
	    put_images(f, "false alarms, the ID images with the lowest scores", &p->id, m, false, room, left, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n_sets; i++)
		if (put_images(f, "misses, the images with the highest scores", &p->sets[i], m, true, room, left, err) <
			    0 ||
		    put_images(f, "the strangest, with the lowest scores", &p->sets[i], m, false, room, left, err) < 0)
			return -1;
	fputs("</details>\n", f);
	return 0;
}

static int put_methods(FILE *f, const struct report_page *p, struct err *err)
{
	size_t room = REPORT_PAGE_IMAGES, left = 0;

	fputs("<h2>Scores</h2>\n<p>The larger a score, the more an image looks like those of the ID set. Both areas of "
	      "a "
	      "histogram are equal.</p>\n",
	      f);
	for (size_t m = 0; m < p->n_methods; m++)
		if (put_method(f, p, m, &room, &left, err) < 0)
			return -1;
	if (left)
		fprintf(f,
			"<p class=\"dim\">%zu images are left out, which keeps the page below 2 MB; fewer scores "
			"(--method) or fewer images each (--top) leave room.</p>\n",
			left);
	return 0;
}

/* ---- provenance ------------------------------------------------------------------------------ */

static void put_history(FILE *f, const struct report_page_set *s)
{
	fputs("<h3>", f);
	report_html_text(f, s->name);
	fputs(" <small>", f);
	report_html_text(f, s->path);
	fprintf(f, ", %zu rows</small></h3>\n", s->scores.n);
	fputs(s->history.n_history ? "<ol>\n" : "<p class=\"dim\">It does not say how it was made.</p>\n", f);
	for (size_t i = 0; i < s->history.n_history; i++) {
		const struct ts_step *step = &s->history.history[i];

		fputs("<li><code>", f);
		report_html_text(f, step->tool);
		for (size_t k = 0; k < step->n_args; k++) {
			fputs(" ", f);
			report_html_text(f, step->args[k]);
		}
		fputs("</code> <small>", f);
		report_html_text(f, step->version);
		fputs("</small></li>\n", f);
	}
	fputs(s->history.n_history ? "</ol>\n" : "", f);
}

int report_page_put(FILE *f, const struct report_page *p, struct err *err)
{
	const struct ood_scores *id = &p->id.scores;

	report_html_begin(f, p->title);
	fprintf(f, "<p>%zu ID rows against %zu OOD %s, by %zu %s.", id->n, p->n_sets, p->n_sets == 1 ? "set" : "sets",
		p->n_methods, p->n_methods == 1 ? "score" : "scores");
	if (id->labelled)
		fprintf(f, " The classifier is right about %.2f %% of the %llu ID rows with a label.",
			100 * (double)id->n_right / (double)id->labelled, (unsigned long long)id->labelled);
	fputs("</p>\n", f);
	put_table(f, p);
	report_trajectory_put(f, &p->trajectory);
	if (put_methods(f, p, err) < 0)
		return -1;
	fputs("<h2>Where the numbers come from</h2>\n<p>The programs that made each input, in their order.</p>\n", f);
	put_history(f, &p->id);
	for (size_t i = 0; i < p->n_sets; i++)
		put_history(f, &p->sets[i]);
	if (p->drift.scores.n)
		put_history(f, &p->drift);
	report_html_end(f);
	return 0;
}

static void release(struct report_page_set *s)
{
	ood_scores_release(&s->scores);
	ts_header_release(&s->history);
	report_thumbs_release(&s->thumbs);
	free(s->results);
}

void report_page_release(struct report_page *p)
{
	release(&p->id);
	release(&p->drift);
	report_trajectory_release(&p->trajectory);
	for (size_t i = 0; i < p->n_sets; i++)
		release(&p->sets[i]);
	free(p->sets);
	for (int g = 0; g < OOD_MAX_GROUPS; g++)
		free(p->averages[g]);
}
