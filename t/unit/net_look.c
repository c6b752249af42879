/* SPDX-License-Identifier: MIT
 * A checkpoint that is read with a second thread: the same identity and the same refusals, whatever the order of its
 * tensors. */
#include <unistd.h>

#include "../tap.h"
#include "nn_nets.h"
#include "ts/ts.h"

static char path[] = "/tmp/net_look.XXXXXX";

static int load(struct net_checkpoint *c, bool beside, struct err *err)
{
	struct ts_reader *r = ts_reader_open(path);
	const int rc = (beside ? net_read_beside : net_read)(c, r, err);

	ts_reader_close(r);
	return rc;
}

/* Is c, once written, read by two threads as by one? known: the second thread finds the identity. */
static bool same(struct net_checkpoint *c, bool known)
{
	struct net_checkpoint one = { 0 }, two = { 0 };
	struct err e1 = { 0 }, e2 = { 0 };
	char a[17] = "", b[17] = "";
	bool good = net_save(c, path, &e1) == 0;
	const int rc = load(&one, false, &e1);

	good = good && load(&two, true, &e2) == rc;
	if (rc == 0) {
		good = good && !*one.state_hash && !!*two.state_hash == known;
		good = good && net_identity(&one, a) == 0 && net_identity(&two, b) == 0 && strcmp(a, b) == 0;
	} else {
		good = good && strcmp(e1.text, e2.text) == 0 && strstr(e1.text, "not finite");
	}
	printf("# %s %s %s %s\n", a, b, e1.text, e2.text);
	net_checkpoint_release(&one);
	net_checkpoint_release(&two);
	return good;
}

int main(void)
{
	static const struct nn_case k = { "resnet:depth=18", 3, 32, 32 }; /* 45 MB: large tensors are read into place */
	struct net_checkpoint c;
	const int fd = mkstemp(path);

	if (fd < 0 || nn_random(&c, &k, 5, 3) < 0) {
		ok(false, "a checkpoint");
		return done();
	}
	close(fd);
	ok(same(&c, true), "the second thread finds the identity");
	for (size_t i = 0; i < 2; i++) {
		const size_t at[] = { 0, c.state.n / 2 };
		float *v = c.state.t[at[i]].data, was = v[1];

		v[1] = NAN;
		ok(same(&c, true), "a number that is not finite, in tensor %zu", at[i]);
		v[1] = was;
	}
	{
		const struct ts_tensor first = c.state.t[0];

		c.state.t[0] = c.state.t[c.state.n - 1];
		c.state.t[c.state.n - 1] = first;
		ok(same(&c, false), "tensors in another order: the same identity, later");
	}
	net_checkpoint_release(&c);
	unlink(path);
	return done();
}
