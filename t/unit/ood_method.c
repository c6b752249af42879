/* SPDX-License-Identifier: MIT
 * Methods against the golden file, and the parser of method lists. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/score/ood_method.h"
#include "../tap.h"

static struct err err;

/* Columns of the parsed list or sweep, joined by blanks; "" and err if it is refused. */
static const char *columns_of(const char *text, int (*parse)(struct ood_requests *, const char *, struct err *))
{
	static char out[1024];
	struct ood_requests r = { 0 };

	*out = *err.text = '\0';
	if (parse(&r, text, &err) == 0)
		for (size_t i = 0; i < r.n; i++)
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? " " : "", r.q[i].column);
	ood_requests_release(&r);
	return out;
}

static const char *columns(const char *text)
{
	return columns_of(text, ood_requests_add);
}

/* All methods, joined by blanks. */
static const char *of_families(void)
{
	static char out[1024];

	*out = '\0';
	for (const struct ood_method *const *f = ood_families; *f; f++)
		for (const struct ood_method *m = *f; m->name; m++)
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", *out ? " " : "", m->name);
	return out;
}

static bool refused(const char *text, const char *why)
{
	return !*columns(text) && strstr(err.text, why);
}

static void parser(void)
{
	struct ood_requests r = { 0 };
	char text[128] = "";

	ok(!strcmp(columns("energy,msp"), "energy msp"), "order as asked");
	ok(!strcmp(columns("all"), of_families()) && !strncmp(of_families(), "msp ", 4),
	   "all: those of the families, in their order");
	ok(strstr(columns("all,energy:temperature=2"), "relation") &&
		   strstr(columns("all,energy:temperature=2"), " energy:temperature=2"),
	   "a second setting has its own column");
	ok(refused("nope", "are: msp ") && strstr(err.text, of_families()),
	   "unknown method: those there are, all of them");
	ok(refused("", "unknown method ''") && refused("msp,", "unknown method ''"), "empty item");
	ok(refused("msp,all", "'msp' is given twice"), "twice");
	ok(refused("energy:temp=1", "no parameter 'temp'"), "unknown parameter");
	ok(refused("maxlogit:temperature=1", "no parameter"), "method without parameters");
	ok(refused("energy:temperature", "PARAMETER=VALUE"), "no value");
	ok(refused("energy:temperature=0", "not a number from") && refused("energy:temperature=", "not") &&
		   refused("energy:temperature=1x", "not") && refused("energy:temperature=nan", "not"),
	   "value out of range, empty, with a tail, NaN");
	char wide[300];
	memset(wide, 'x', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	ok(refused(wide, "longer than"), "too long");
	if (ood_requests_add(&r, "energy:temperature=2.5", &err) == 0)
		ood_request_text(&r.q[0], text, sizeof text);
	ok(r.n == 1 && !strcmp(text, "energy:temperature=2.5"), "text with every parameter");
	ood_requests_release(&r);
	if (ood_requests_add(&r, "msp,react+energy:percentile=85,msp:published=1", &err) == 0)
		ood_request_text(&r.q[1], text, sizeof text);
	ok(r.n == 3 && !strcmp(text, "react+energy:percentile=85:temperature=1"), "text of two methods: %s", text);
	if (r.n == 3)
		ood_request_text(&r.q[0], text, sizeof text);
	ok(!strcmp(text, "msp"), "parameters that came later are not spelled out: files of before stay valid");
	if (r.n == 3)
		ood_request_text(&r.q[2], text, sizeof text);
	ok(!strcmp(text, "msp:published=1"), "but where they are not the default: %s", text);
	ood_requests_release(&r);
	ok(!strcmp(columns("react+msp,mds++,ash-s+msp:percentile=65:temperature=1000"),
		   "react+msp mds++ ash-s+msp:percentile=65:temperature=1000"),
	   "METHOD+SCORE, with the parameters of both; mds++ is a name");
	ok(refused("react+knn", "knn is not a score of logits alone") && refused("knn+msp", "makes no new logits") &&
		   refused("react+", "unknown method ''") && refused("+msp", "unknown method ''") &&
		   refused("react+msp:k=1", "'react+msp' has no parameter 'k', but percentile threshold temperature"),
	   "what cannot follow what");
	ok(!strcmp(columns_of("ash-s+msp:percentile=65,90", ood_requests_sweep),
		   "ash-s+msp:percentile=65 ash-s+msp:percentile=90"),
	   "a sweep of two methods");
	ok(!strcmp(columns_of("vra:high=90,95:low=5,10", ood_requests_sweep),
		   "vra:high=90:low=5 vra:high=90:low=10 vra:high=95:low=5 vra:high=95:low=10"),
	   "a sweep: every combination");
	ok(!*columns_of("react", ood_requests_sweep) && !*columns_of("react:percentile=90,x", ood_requests_sweep) &&
		   !*columns_of("react:percentile=90,90", ood_requests_sweep) && strstr(err.text, "twice"),
	   "a sweep of nothing, of no numbers, of the same number");
}

static double score(const char *method, const float *logits, size_t n)
{
	struct ood_requests r = { 0 };
	double v = NAN;

	struct ood_basis from = { .classes = n };
	struct ood_rows rows = { .n = 1, .logits = logits };
	struct ood_scorer s = { .basis = &from };

	if (ood_requests_add(&r, method, &err) == 0) {
		s.request = r.q[0];
		if (ood_score_rows(&s, &rows, &v) < 0)
			v = NAN;
	}
	ood_requests_release(&r);
	return v;
}

static void scores(void)
{
	float a[] = { 40, 0, 0 }, b[] = { 60, 0, 0 }, c[] = { 3e4f, -3e4f }, tie[] = { 2, 2 }, steps[] = { 3, 5, 0 };
	ok(fabs(score("msp", a, 3) - (40 - log(2))) < 1e-12, "msp: margin 40");
	ok((float)score("msp", b, 3) > (float)score("msp", a, 3), "msp: 60 is above 40");
	ok(score("msp", c, 2) == 6e4, "msp: does not overflow");
	ok(score("msp", tie, 2) == 0, "msp: even odds");
	ok(fabs(score("msp:temperature=4", a, 3) - (10 - log(2))) < 1e-12, "msp at a temperature");
	ok(fabs(score("msp:published=1", a, 3) - exp(1) / (exp(1) + 2)) < 1e-12 &&
		   score("msp:published=1", tie, 2) == 0.5 && score("msp:published=1", c, 2) > 0.73,
	   "msp:published=1: the softmax of the softmax, from 1/n to e/(e + n - 1)");
	ok(fabs(score("energy", tie, 2) - (2 + log(2))) < 1e-15, "energy of two equal logits");
	ok(score("energy", c, 2) == 3e4, "energy: does not overflow");
	ok(score("entropy", b, 3) > score("entropy", a, 3) && score("entropy", c, 2) > 5e4,
	   "entropy: confident samples differ, a margin of 60,000 does not vanish");
	ok(fabs(score("entropy", tie, 2) + log(log(2))) < 1e-14, "entropy of even odds is log 2");
	ok(isfinite(score("gen", c, 2)) && score("gen", b, 3) > score("gen", a, 3), "gen: confident samples differ");
	ok(score("logitgap", steps, 3) == 3.5 && score("logitgap:top=1", steps, 3) == 2 &&
		   score("logitgap:top=9", steps, 3) == 3.5 && score("logitgap", tie, 2) == 0 &&
		   score("logitgap", c, 2) == 6e4,
	   "logitgap: the mean of the gaps, of the first, of ties, large ones");
	ok(score("logitgap:top=0.5", steps, 3) == 3.5, "logitgap:top=0.5 is none, that is all, and not 0 / 0");
	ok(num_argmax(tie, 2) == 0, "argmax: the first of equal ones");
}

static void golden(FILE *f)
{
	static const char *const method[] = { "msp", "maxlogit", "energy", "energy:temperature=10" };
	char line[256];
	float logits[128];
	size_t n;
	int cases = 0, right = 0;

	while (f && fgets(line, sizeof line, f)) {
		if (*line == '#' || sscanf(line, "%zu", &n) != 1 || n > 128)
			continue;
		for (size_t i = 0; i < n; i++)
			if (fscanf(f, "%f", &logits[i]) != 1)
				return;
		for (int m = 0; m < 4; m++) {
			double want, got = score(method[m], logits, n);
			if (fscanf(f, "%lf%*1[\n]", &want) != 1)
				return;
			bool same = fabs(got - want) <= 1e-12 * (1 + fabs(want));
			if (!same)
				printf("# %s: %.17g, want %.17g\n", method[m], got, want);
			cases++;
			right += same;
		}
	}
	ok(cases == 80 && right == cases, "golden: %d of %d scores", right, cases);
}

int main(void)
{
	char path[4096];
	const char *src = getenv("SRC");

	parser();
	scores();
	snprintf(path, sizeof path, "%s/t/golden/ood_scores.txt", src ? src : ".");
	FILE *f = fopen(path, "r");
	golden(f);
	if (f)
		fclose(f);
	return done();
}
