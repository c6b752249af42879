/* SPDX-License-Identifier: MIT
 * Several processes that train together: how they start, and what must be the same for all. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "job/job_internal.h"
#include "kit/kit_team.h"
#include "nn/nn.h"

bool job_is_first(const struct job_options *o)
{
	return team_rank(o->team) == 0;
}

int job_join(struct job_options *o, struct err *err)
{
	static const char *const own[] = { "threads", "max-memory", "run", "held", "print-run", NULL };

	if (kit_join(&o->team, &o->ranks, own, nn_isa_name(), err) < 0)
		return -1;
	o->how.threads = cli.threads;
	o->how.device = cli.device;
	return 0;
}

/* ---- what must be the same ---- */

static int compare(const struct job *j, const char *what, const char *name, uint64_t a, uint64_t b, uint64_t c,
		   struct err *err)
{
	char text[200];

	snprintf(text, sizeof text, "%s %016llx %016llx %016llx", name, (unsigned long long)a, (unsigned long long)b,
		 (unsigned long long)c);
	return team_same(j->o->team, what, text, err);
}

int job_team_images(const struct job *j, struct err *err)
{
	return compare(j, "images", "checksums of images, --val, --aux", j->hash, um_data_hash(&j->held), j->aux_hash,
		       err);
}

int job_team_values(const struct job *j, struct err *err)
{
	const struct ts_set *const sets[] = { &j->c.state, &j->c.extra };
	uint64_t hash = 0;

	for (int s = 0; s < 2 && j->o->team; s++)
		for (size_t i = 0; i < sets[s]->n; i++)
			hash = XXH3_64bits_withSeed(sets[s]->t[i].data, ts_tensor_bytes(&sets[s]->t[i]), hash);
	return compare(j, "values", "the processors compute different things: checksum", hash, 0, 0, err);
}

int job_team_batches(const struct job *j, struct err *err)
{
	const struct job_options *o = j->o;
	const size_t ranks = (size_t)team_size(o->team), batch = (size_t)o->train.batch;
	const size_t last = j->data.n % batch ? j->data.n % batch : batch;

	if (last < ranks)
		return err_fail(err,
				"the last batch of %zu images in batches of %zu has %zu, fewer than the %zu ranks; "
				"choose another --batch-size",
				j->data.n, batch, last, ranks);
	if (o->aux && o->oe.separate_bn && um_oe_outliers(&o->oe, last) < ranks)
		return err_fail(err,
				"--separate-bn gives outliers a pass of their own, and the last batch has %zu, fewer "
				"than the %zu ranks; choose another --batch-size or --aux-ratio",
				um_oe_outliers(&o->oe, last), ranks);
	return 0;
}

/* ---- rank 0's checkpoint ---- */

static int write_memory(struct net_checkpoint *c, struct ts_bytes *m, struct err *err)
{
	struct ts_writer *w = ts_writer_open_bytes(m, "memory");
	int rc = w ? net_write(c, w, err) : err_memory(err);

	ts_writer_close(w);
	return rc;
}

static int read_memory(struct net_checkpoint *c, const void *data, size_t n, struct err *err)
{
	struct ts_reader *r = ts_reader_open_bytes(data, n, "rank 0's checkpoint");
	int rc;

	net_checkpoint_release(c);
	rc = r ? net_read(c, r, err) : err_memory(err);
	ts_reader_close(r);
	return rc;
}

int job_team_checkpoint(struct job *j, struct err *err)
{
	struct team *team = j->o->team;
	struct {
		bool resumed, at_start;
		long was;
	} how = { j->resumed, j->at_start, j->was }, all[TEAM_MOST];
	struct ts_bytes m = { 0 };
	void *data;
	int rc;

	if (!team)
		return 0;
	rc = team_rank(team) == 0 ? write_memory(&j->c, &m, err) : 0;
	data = m.p;
	if (rc == 0)
		rc = team_spread(team, &data, &m.n, err);
	if (rc == 0 && team_rank(team) > 0)
		rc = read_memory(&j->c, data, m.n, err);
	free(data);
	if (rc < 0)
		return -1;
	team_gather(team, &how, sizeof how, all);
	j->resumed = all[0].resumed;
	j->at_start = all[0].at_start;
	j->was = all[0].was;
	return team_check(team, err);
}
