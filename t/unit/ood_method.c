/* SPDX-License-Identifier: MIT
 * Methods against the golden file, and the parser of method lists. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_method.h"
#include "../tap.h"

static char err[256];

/* Columns of the parsed list, joined by blanks; "" and err if it is refused. */
static const char *columns(const char *text)
{
	static char out[512];
	struct ood_request *q;
	size_t n;

	*out = *err = '\0';
	if (ood_request_parse(text, &q, &n, err, sizeof err))
		return out;
	for (size_t i = 0; i < n; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? " " : "",
			 q[i].column);
	free(q);
	return out;
}

static bool refused(const char *text, const char *why)
{
	return !*columns(text) && strstr(err, why);
}

static void parser(void)
{
	struct ood_request *q;
	char text[128] = "";
	size_t n = 0;

	ok(!strcmp(columns("energy,msp"), "energy msp"), "order as asked");
	ok(!strcmp(columns("all"), "msp maxlogit energy"), "all");
	ok(!strcmp(columns("all,energy:temperature=2"), "msp maxlogit energy energy:temperature=2"),
	   "a second setting has its own column");
	ok(refused("nope", "there are: msp maxlogit energy"), "unknown method: those there are");
	ok(refused("", "unknown method ''") && refused("msp,", "unknown method ''"), "empty item");
	ok(refused("msp,all", "'msp' is asked for twice"), "twice");
	ok(refused("energy:temp=1", "no parameter 'temp'"), "unknown parameter");
	ok(refused("msp:temperature=1", "no parameter"), "method without parameters");
	ok(refused("energy:temperature", "PARAMETER=VALUE"), "no value");
	ok(refused("energy:temperature=0", "not a number from") &&
	   refused("energy:temperature=", "not") && refused("energy:temperature=1x", "not") &&
	   refused("energy:temperature=nan", "not"),
	   "value out of range, empty, with a tail, NaN");
	char wide[300];
	memset(wide, 'x', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	ok(refused(wide, "longer than"), "too long");
	if (ood_request_parse("energy:temperature=2.5", &q, &n, err, sizeof err) == 0) {
		ood_request_text(&q[0], text, sizeof text);
		free(q);
	}
	ok(n == 1 && !strcmp(text, "energy:temperature=2.5"), "text with every parameter");
}

static double score(const char *method, const float *logits, size_t n)
{
	struct ood_request *q;
	size_t k;

	if (ood_request_parse(method, &q, &k, err, sizeof err))
		return NAN;
	double s = q->method->score(logits, n, q->params);
	free(q);
	return s;
}

static void scores(void)
{
	float a[] = { 40, 0, 0 }, b[] = { 60, 0, 0 }, c[] = { 3e4f, -3e4f }, tie[] = { 2, 2 };
	ok(fabs(score("msp", a, 3) - (40 - log(2))) < 1e-12, "msp: margin 40");
	ok((float)score("msp", b, 3) > (float)score("msp", a, 3), "msp: 60 is above 40");
	ok(score("msp", c, 2) == 6e4, "msp: does not overflow");
	ok(score("msp", tie, 2) == 0, "msp: even odds");
	ok(fabs(score("energy", tie, 2) - (2 + log(2))) < 1e-15, "energy of two equal logits");
	ok(score("energy", c, 2) == 3e4, "energy: does not overflow");
	ok(ood_argmax(tie, 2) == 0, "argmax: the first of equal ones");
}

static void golden(FILE *f)
{
	static const char *const method[] = { "msp", "maxlogit", "energy",
					     "energy:temperature=10" };
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
