/* SPDX-License-Identifier: MIT
 * A training program from its options to its end. */
#include "job/job.h"
#include "kit/kit_team.h"

/* Opens the output, which refuses a terminal and a folder that cannot be written to before hours of work. */
static int open_output(struct job_options *o, struct err *err)
{
	if (job_is_first(o) && (cli.output || !o->run))
		o->out = cli_output();
	if (!o->out || cli_check_writer(o->out) == 0)
		return 0;
	err_fail(err, "the output cannot be written"); /* already reported */
	(void)team_fail(o->team, err);
	return -1;
}

static enum job_end work(struct job *j, struct job_options *o, struct ts_reader *r, const struct job_program *p,
			 struct err *err)
{
	if (job_open(j, o, r, p, err) < 0)
		return JOB_FAILED;
	return p->run ? p->run(p->data, j, err) : job_run(j, err);
}

int job_main(struct job_options *o, const struct job_program *p, const char *input)
{
	enum job_end end = JOB_FAILED;
	struct ts_reader *r;
	struct job job;
	struct err err;

	if (job_join(o, &err) < 0 || (p->alone && o->team && err_fail(&err, "one process %s: --ranks 1", p->alone) < 0))
		return cli_finish(kit_say_failure(o->team, &err));
	if (o->print_run)
		return cli_finish(job_is_first(o) && job_print_run(o, &err) < 0 ? cli_error("%s", err.text) : 0);
	r = cli_open(input);
	if (open_output(o, &err) == 0) {
		end = work(&job, o, r, p, &err);
		if (end == JOB_FAILED)
			kit_say_failure(o->team, &err);
		job_close(&job);
	}
	ts_writer_close(o->out);
	job_options_release(o);
	ts_reader_close(r);
	if (end == JOB_STOPPED)
		cli_reraise_stop();
	return cli_finish(end);
}
