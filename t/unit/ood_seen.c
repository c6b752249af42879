/* SPDX-License-Identifier: MIT
 * Histories that lead round in circles, as only a damaged or hostile file has them, end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ood/ood_seen.h"
#include "../tap.h"

/* A step that read step `from` four times; -1: the last one, or nothing. */
static void step(struct ts_header *h, const char *tool, int from)
{
	static char x[] = "x", *argv[] = { x };
	struct ts_header none = { 0 };
	const int at = from >= 0 ? from : (int)h->n_history - 1;

	if (ts_header_log(h, tool, "1", 1, argv, (const struct ts_header *const[]){ &none, &none, &none, &none }, 4) <
	    0)
		abort();
	for (size_t i = 0; at >= 0 && i < 4; i++) {
		struct ts_step *s = &h->history[h->n_history - 1];

		free(s->prev[i]);
		if (!(s->prev[i] = strdup(h->history[at].id)))
			abort();
		snprintf(s->id, sizeof s->id, "%016zx", h->n_history);
	}
}

static void circles(void)
{
	static const char *const tools[] = { "um-embed", "ood-score", "ts-cat", "um-train", "ood-fit", "nothing" };
	struct err err;

	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
		struct ts_header h;

		ts_header_init(&h, "scores");
		step(&h, "ds-pack", -1);
		step(&h, tools[i], -1);
		step(&h, "ood-fit", -1);
		step(&h, tools[i], -1);
		for (size_t k = 0; k < 4; k++) { /* the second names the last, and the last itself */
			strcpy(h.history[1].prev[k], h.history[3].id);
			strcpy(h.history[3].prev[k], h.history[3].id);
		}
		ok(!ood_seen(&h, "x", &err), "%s reads what comes after it", tools[i]);
		ts_header_release(&h);
	}
}

static void repeats(void)
{
	struct ts_header h;
	struct err err;

	ts_header_init(&h, "scores");
	step(&h, "ds-pack", -1);
	for (int i = 0; i < 900; i++)
		step(&h, "ts-cat", -1);
	step(&h, "ood-fit", 0);
	step(&h, "um-embed", 900);
	ok(ood_seen(&h, "x", &err) && strstr(err.text, "the fit was made of"), "a long one, four times over: %s",
	   err.text);
	ts_header_release(&h);
}

int main(void)
{
	alarm(20);
	circles();
	repeats();
	return done();
}
