/* SPDX-License-Identifier: MIT
 * Metrics: cases worked out by hand, then the golden file. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ood/eval/ood_metrics.h"
#include "num/num_sort.h"
#include "ts/ts_rng.h"
#include "../tap.h"

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

static bool equals(struct ood_metrics m, double auroc, double in, double out, double fpr)
{
	bool same = near(m.v[OOD_AUROC], auroc) && near(m.v[OOD_AUPR_IN], in) && near(m.v[OOD_AUPR_OUT], out) &&
		    near(m.v[OOD_FPR95], fpr);
	if (!same)
		printf("# got %.12g %.12g %.12g %.12g\n", m.v[OOD_AUROC], m.v[OOD_AUPR_IN], m.v[OOD_AUPR_OUT],
		       m.v[OOD_FPR95]);
	return same;
}

/* Sorts copies of both and compares. */
static struct ood_metrics compare(const float *id, size_t n_id, const float *ood, size_t n_ood, enum ood_fpr rule)
{
	float *a = malloc(n_id * sizeof *a), *b = malloc(n_ood * sizeof *b);
	struct ood_metrics m = { { 0 } };

	memcpy(a, id, n_id * sizeof *a);
	memcpy(b, ood, n_ood * sizeof *b);
	if (num_sort(a, n_id) == 0 && num_sort(b, n_ood) == 0)
		m = ood_compare(&(struct ood_sample){ .v = a, .n = n_id }, &(struct ood_sample){ .v = b, .n = n_ood },
				&(struct ood_conventions){ .fpr = rule });
	free(a);
	free(b);
	return m;
}

#define COMPARE(id, ood, rule) compare(id, sizeof(id) / sizeof *(id), ood, sizeof(ood) / sizeof *(ood), rule)

static void sorting(void)
{
	float v[] = { 1, -0.0f, INFINITY, -2.5f, 0, -INFINITY, 1e-40f, -1e30f, 1 };
	float want[] = { -INFINITY, -1e30f, -2.5f, 0, 0, 1e-40f, 1, 1, INFINITY };
	bool same = num_sort(v, 9) == 0;

	for (int i = 0; i < 9; i++)
		same = same && v[i] == want[i];
	ok(same, "sorts infinities, zeros of both signs, denormals");

	enum { N = 5000 };
	static float w[N];
	struct ts_rng r = ts_rng_new(1, 2);
	double before = 0, after = 0;
	for (int i = 0; i < N; i++)
		before += w[i] = (float)(ts_rng_normal(&r) * 1e3);
	same = num_sort(w, N) == 0;
	for (int i = 0; i < N; i++)
		after += w[i];
	for (int i = 1; i < N; i++)
		same = same && w[i - 1] <= w[i];
	ok(same && fabs(before - after) < 1e-3, "sorts many, and they are the same ones");
	double d[] = { 1 - 1e-14, -1e300, 1, INFINITY, 1e-310, -0.0, 0, 1 - 1e-13, -INFINITY, 1e300 }, e[10];
	uint32_t ranks[10];
	const uint32_t sorted[] = { 8, 1, 5, 6, 4, 7, 0, 2, 9, 3 };
	memcpy(e, d, sizeof d);
	same = num_sort_order_wide(d, ranks, 10) == 0 && memcmp(ranks, sorted, sizeof sorted) == 0;
	for (size_t i = 0; i < 10; i++)
		same &= memcmp(&d[i], &e[sorted[i]], sizeof *d) == 0;
	same &= num_sort_wide(e, 10) == 0 && memcmp(d, e, sizeof d) == 0;
	ok(same, "sorts doubles that are one float, and those that are none");
	ok(num_sort(w, 0) == 0, "sorts none");
}

static void by_hand(void)
{
	float high[] = { 3, 4 }, low[] = { 1, 2 }, one[] = { 1 }, two[] = { 2 };
	ok(equals(COMPARE(high, low, OOD_FPR_NEAREST), 1, 1, 1, 0), "separated");
	ok(equals(COMPARE(high, low, OOD_FPR_OPENOOD), 1, 1, 1, 0), "separated, OOD positive");
	/* OOD all above: precision of ID at 1/3, 2/4; of OOD likewise */
	ok(equals(COMPARE(low, high, OOD_FPR_NEAREST), 0, 5. / 12, 5. / 12, 1), "the wrong way");
	ok(equals(COMPARE(one, two, OOD_FPR_FIRST), 0, .5, .5, 1), "one each, wrong way round");
	ok(equals(COMPARE(two, one, OOD_FPR_FIRST), 1, 1, 1, 0), "one each");

	float same[] = { 7, 7, 7 }, same2[] = { 7, 7, 7, 7, 7 };
	for (int rule = OOD_FPR_NEAREST; rule <= OOD_FPR_OPENOOD; rule++)
		ok(equals(COMPARE(same, same2, rule), .5, 3. / 8, 5. / 8, 1), "all equal, rule %d", rule);
	float plus[] = { 0 }, minus[] = { -0.0f };
	ok(near(COMPARE(plus, minus, OOD_FPR_FIRST).v[OOD_AUROC], .5), "zeros of both signs tie");

	/* thresholds 3: 1,0  2.5: 1,1  2: 3,2  0: 4,2 */
	float a[] = { 0, 2, 3, 2 }, b[] = { 2, 2.5 };
	ok(equals(COMPARE(a, b, OOD_FPR_NEAREST), .375, .25 + .3 + 1. / 6, .5 / 4 + .5 * .4, 1),
	   "ties across the sets");
}

/* ID 1..n_id, one OOD row just above each of the ranks given, counted from the top. */
static double fpr_at(size_t n_id, const double *ood_at, size_t n_ood, enum ood_fpr rule)
{
	float id[64], ood[64];

	for (size_t i = 0; i < n_id; i++)
		id[i] = (float)(n_id - i);
	for (size_t i = 0; i < n_ood; i++)
		ood[i] = (float)((double)n_id - ood_at[i] + 1);
	return compare(id, n_id, ood, n_ood, rule).v[OOD_FPR95];
}

static void fpr_rules(void)
{
	/* 40 ID rows: recall 38/40 is 95 %. OOD rows between the ID ranks that the numbers say. */
	static const double at[] = { 36.5, 37.5, 38.5, 39.5 };
	ok(near(fpr_at(40, at, 4, OOD_FPR_FIRST), .5), "first: at rank 38 there are two above");
	ok(near(fpr_at(40, at, 4, OOD_FPR_NEAREST), .75), "nearest: the lowest of recall 38/40");
	/* 10 ID rows: 9/10 and 10/10 are equally close */
	static const double tie[] = { 8.5, 9.5, 9.7, 11 };
	ok(near(fpr_at(10, tie, 4, OOD_FPR_NEAREST), .75), "nearest: of 9 and 10 in 10, 10");
	/* 11 ID rows: 10/11 = 90.9 % is nearer than 100 %; an OOD row ties with rank 11 */
	static const double under[] = { 9.5, 10.5, 11, 12 };
	ok(near(fpr_at(11, under, 4, OOD_FPR_NEAREST), .5), "nearest: 10 of 11, though less");
	ok(near(fpr_at(11, under, 4, OOD_FPR_FIRST), .75), "first goes on to full recall");
	static const double late[] = { 11.5, 12, 12.5, 13 };
	ok(near(fpr_at(11, late, 4, OOD_FPR_NEAREST), 0), "OOD below all ID rows does not count");
	/* 20 ID rows: 19/20 exactly. An OOD row below rank 20 does not count at full recall. */
	static const double at20[] = { 19.5, 21.5 };
	ok(near(fpr_at(20, at20, 2, OOD_FPR_FIRST), 0), "first: 19 of 20 is enough");
	ok(near(fpr_at(20, at20, 2, OOD_FPR_NEAREST), .5), "nearest: lowest threshold of 19/20");
	/* OOD positive, 20 of them, 19 at the bottom, the 20th on top: 95 % without any ID row */
	float id[] = { 5, 6 }, ood[20] = { 9, 1, 2, 3, 4 };
	ok(near(COMPARE(id, ood, OOD_FPR_OPENOOD).v[OOD_FPR95], 0), "openood: 19 of 20 OOD rows");
	ood[1] = 5.5;
	ok(near(COMPARE(id, ood, OOD_FPR_OPENOOD).v[OOD_FPR95], .5), "openood: one ID row below the 19th");
}

static int read_floats(FILE *f, float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fscanf(f, "%f", &v[i]) != 1)
			return -1;
	return 0;
}

enum { WANTED = 18 };

/* The numbers of a case in the golden file's order. Both sets are sorted on the way. */
static void all_numbers(float *id, size_t n_id, float *ood, size_t n_ood, double got[WANTED])
{
	static const enum ood_metric rest[] = { OOD_OSCR,    OOD_CCR_1E4, OOD_CCR_1E3, OOD_CCR_1E2,
						OOD_CCR_1E1, OOD_AURRA,   OOD_AUTC };
	struct ood_sample a = { .v = id, .n = n_id }, b = { .v = ood, .n = n_ood };
	struct ood_conventions plain = { .fpr = OOD_FPR_NEAREST }, trapezoid = { .trapezoid = true },
			       rare = { .prevalence = .1 };
	float right[128];
	size_t n_right = 0;

	for (size_t i = 0; i < n_id; i++)
		if (i % 3)
			right[n_right++] = id[i];
	if (num_sort(id, n_id) || num_sort(ood, n_ood) || num_sort(right, n_right))
		return;
	struct ood_metrics m = ood_compare(&a, &b, &plain), t = ood_compare(&a, &b, &trapezoid),
			   r = ood_compare(&a, &b, &rare);
	ood_compare_right(&a, &(struct ood_sample){ .v = right, .n = n_right }, n_id, &b, &m);
	memcpy(got, m.v, 3 * sizeof *got);
	memcpy(got + 3, m.v + OOD_FPR95_NEAREST, 3 * sizeof *got);
	got[6] = m.v[OOD_DETECTION];
	got[7] = t.v[OOD_AUPR_IN];
	got[8] = t.v[OOD_AUPR_OUT];
	got[9] = r.v[OOD_AUPR_IN];
	got[10] = r.v[OOD_AUPR_OUT];
	for (int k = 0; k < 7; k++)
		got[11 + k] = m.v[rest[k]];
}

static void golden(FILE *f)
{
	char line[256];
	float id[128], ood[128];
	size_t n_id, n_ood;
	int cases = 0, right = 0;

	while (f && fgets(line, sizeof line, f)) {
		double want, got[WANTED] = { 0 };
		bool same = true;
		if (sscanf(line, "%zu %zu", &n_id, &n_ood) != 2)
			continue;
		if (n_id > 128 || n_ood > 128 || read_floats(f, id, n_id) || read_floats(f, ood, n_ood))
			break;
		all_numbers(id, n_id, ood, n_ood, got);
		for (int k = 0; k < WANTED; k++) {
			bool is = fscanf(f, "%lf", &want) == 1 && (isnan(want) ? isnan(got[k]) : near(want, got[k]));
			if (!is)
				printf("# case %d, number %d: %.12g, not %.12g\n", cases, k, got[k], want);
			same &= is;
		}
		cases++;
		right += same;
	}
	ok(cases == 30 && right == cases, "golden: %d of %d cases", right, cases);
}

/* A row of weight w is w rows. */
static void weights(void)
{
	static const struct ood_conventions rules;
	float v[2][40], copies[2][200], right[40], right_copies[200];
	uint32_t w[2][40], right_w[40];
	struct ts_rng r = ts_rng_new(3, 1);
	int same = 0;

	for (int round = 0; round < 100; round++) {
		size_t n[2] = { 0, 0 }, n_right = 0, n_right_copies = 0;
		for (int s = 0; s < 2; s++) {
			for (int i = 0; i < 40; i++)
				v[s][i] = (float)ts_rng_below(&r, 12) + (float)(1 - s);
			if (num_sort(v[s], 40))
				return;
			for (int i = 0; i < 40; i++) {
				w[s][i] = (uint32_t)ts_rng_below(&r, 5);
				for (uint32_t k = 0; k < w[s][i]; k++)
					copies[s][n[s]++] = v[s][i];
			}
		}
		for (int i = 0; i < 40; i += 2) {
			right[n_right] = v[0][i];
			right_w[n_right++] = w[0][i];
			for (uint32_t k = 0; k < w[0][i]; k++)
				right_copies[n_right_copies++] = v[0][i];
		}
		struct ood_sample a = { .v = v[0], .n = 40, .weight = w[0] },
				  b = { .v = v[1], .n = 40, .weight = w[1] },
				  ra = { .v = right, .n = n_right, .weight = right_w },
				  ca = { .v = copies[0], .n = n[0] }, cb = { .v = copies[1], .n = n[1] },
				  cr = { .v = right_copies, .n = n_right_copies };
		struct ood_metrics got = ood_compare(&a, &b, &rules), want = ood_compare(&ca, &cb, &rules);
		ood_compare_right(&a, &ra, n[0], &b, &got);
		ood_compare_right(&ca, &cr, n[0], &cb, &want);
		same += memcmp(&got, &want, sizeof got) == 0;
	}
	ok(same == 100, "weights are copies, to the last bit: %d of 100", same);
}

static void sorting_order(void)
{
	float v[] = { 2, -1, 2, 0, -1 };
	uint32_t order[5], want[] = { 1, 4, 3, 0, 2 };
	ok(num_sort_order(v, order, 5) == 0 && memcmp(order, want, sizeof want) == 0 && v[0] == -1 && v[4] == 2,
	   "order: equal ones as they came");
}

int main(void)
{
	char path[4096];
	const char *src = getenv("SRC");

	sorting();
	sorting_order();
	weights();
	by_hand();
	fpr_rules();
	snprintf(path, sizeof path, "%s/t/golden/ood_metrics.txt", src ? src : ".");
	FILE *f = fopen(path, "r");
	golden(f);
	if (f)
		fclose(f);
	return done();
}
