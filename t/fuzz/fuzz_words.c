/* SPDX-License-Identifier: MIT
 * fuzz_words: any text as the small languages of options: networks, scores and their sweeps, numbers. A request's text
 * parses to the same request. */
#include "cli/cli.h"
#include "file.h"
#include "net/net.h"
#include "ood/score/ood_method.h"

static volatile double sink; /* what was read is used */

static void network(const char *text)
{
	struct err err = { 0 };
	struct net *n = net_new(text, 3, 32, 32, 10, &err), *again;

	if (!n) {
		hold_text(&err);
		return;
	}
	hold(n->n_params > 0 && net_count(n) > 0);
	hold((again = net_new(n->spec, 3, 32, 32, 10, &err)) != NULL);
	hold(strcmp(again->spec, n->spec) == 0 && again->n_params == n->n_params && net_count(again) == net_count(n));
	net_free(again);
	net_free(n);
}

static void scores(const char *text, int (*add)(struct ood_requests *, const char *, struct err *))
{
	struct ood_requests r = { 0 }, again = { 0 };
	struct err err = { 0 };
	char buf[1024];

	if (add(&r, text, &err) < 0)
		hold_text(&err);
	else
		for (size_t i = 0; i < r.n && i < 50; i++) {
			ood_request_text(&r.q[i], buf, sizeof buf);
			hold(ood_requests_add(&again, buf, &err) == 0 || strstr(err.text, "longer"));
			if (again.n)
				hold(again.q[0].method == r.q[i].method &&
				     memcmp(again.q[0].params, r.q[i].params, sizeof r.q[i].params) == 0);
			ood_requests_release(&again);
			again = (struct ood_requests){ 0 };
		}
	ood_requests_release(&r);
}

static void normalisation(const char *text)
{
	static struct net net = { .c = 3 };
	struct net_checkpoint c = { .net = &net };
	struct err err = { 0 };

	if (net_normalise_by(&c, text, text, &err) < 0)
		hold_text(&err);
	else
		hold(c.mean[0] > 0 && c.std[2] > 0 && c.std[2] <= 1e9);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char text[512];
	double d;
	long n, sizes[3];

	snprintf(text, sizeof text, "%.*s", (int)(size < sizeof text ? size : sizeof text - 1), (const char *)data);
	network(text);
	scores(text, ood_requests_add);
	scores(text, ood_requests_sweep);
	if (cli_parse_int(text, -1e6, 1e6, &n) == 0)
		hold(n >= -1000000 && n <= 1000000);
	if (cli_parse_double(text, -1, 1, &d) == 0)
		hold(d >= -1 && d <= 1);
	for (int i = cli_parse_sizes(text, 4096, sizes, 3); i-- > 0;)
		hold(sizes[i] >= 1 && sizes[i] <= 4096);
	normalisation(text);
	sink += ts_type_parse(text);
	return 0;
}
