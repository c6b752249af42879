/* SPDX-License-Identifier: MIT
 * ood-detect: reads pictures, writes one verdict per line, the whole pipe in one process. Streaming: it holds the
 * detector and a few pictures. It uses detectors only through unmask.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli_live.h"
#include "kit/kit_pictures.h"
#include "report/report_verdict.h"
#include "unmask/unmask.h"

enum { ALL, IN, OUT }; /* --only */

static bool tsv, watch;
static double false_alarm; /* 0: not given */
static long only = ALL;

static const struct cli_option options[] = {
	{ "tsv", 't', CLI_FLAG, NULL, &tsv, 0, 0, "tab-separated, with a heading (default: for people)" },
	{ "only", 0, CLI_CHOICE, "all|in|out", &only, 0, 0, "print only these (default all)" },
	{ "watch", 'w', CLI_FLAG, NULL, &watch, 0, 0,
	  "raise an alarm, as ood-watch does, when the pictures as a whole have changed" },
	{ "false-alarm", 'a', CLI_DOUBLE, "P", &false_alarm, 1e-9, 0.5,
	  "with --watch: probability of ever raising a false alarm (default 0.01)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-detect",
	"[option...] DETECTOR [FILE...]",
	"Classify pictures, and say whether the network knows such pictures at all.",
	options,
	"DETECTOR is what ood-pack made. FILE is a picture, a folder, an archive, a data set or a stream of images.\n"
	"With no FILE, or when FILE is -, read standard input: names of pictures, one per line, or a stream.\n"
	"Exit status: 0 all are in, 1 some are out, 2 something failed.",
	CLI_ANSWERS | CLI_THREADS | CLI_DEVICE | CLI_SEED | CLI_ROWS,
	NULL
};

/* Pictures are judged several at a time: up to this many, or as many as have arrived. */
enum { MOST = 64, MOST_BYTES = 16 << 20 };

struct work {
	struct unmask *u;
	const char *path; /* the detector's */
	struct kit_pictures from;
	struct ds_pixels pixels[MOST]; /* the waiting pictures */
	char *name[MOST];
	bool prepared[MOST];
	size_t n, bytes;
	bool out; /* some verdict was "out" */
};

/* ---- the detector ---- */

/* Opens it, and watches if requested. NULL: an error was printed. */
static struct unmask *open_detector(const char *path)
{
	struct unmask *u = unmask_open_on(path, (int)cli.threads, cli.device);

	if (unmask_error(u))
		cli_error("%s", unmask_error(u));
	else if (watch && unmask_watch(u, false_alarm, (uint64_t)cli.seed) < 0)
		cli_error("--watch: %s", unmask_error(u));
	else
		return u;
	unmask_close(u);
	return NULL;
}

/* ---- judging the waiting pictures ---- */

static enum report_verdict form(void)
{
	return cli.json ? REPORT_JSON : tsv ? REPORT_TSV : REPORT_TEXT;
}

static void print(struct work *k, const char *name, const struct unmask_result *r)
{
	k->out = k->out || r->out;
	if (only == ALL || (only == OUT) == r->out)
		report_verdict(stdout, form(), name, r);
	if (r->alarm.raised)
		cli_error("alarm at image %llu: scores have left the reference, since about image %llu (evidence %.4g; "
			  "false-alarm probability %g)",
			  (unsigned long long)r->alarm.image, (unsigned long long)r->alarm.since, r->alarm.evidence,
			  false_alarm);
}

/* Judges pictures i..i+n; if that fails, one by one, because only one may be at fault. */
static void judge(struct work *k, size_t i, size_t n)
{
	struct unmask_image images[MOST] = { { 0 } };
	struct unmask_result results[MOST];

	for (size_t j = 0; j < n; j++)
		images[j] = (struct unmask_image){ .rgb = k->pixels[i + j].rgb,
						   .width = k->pixels[i + j].w,
						   .height = k->pixels[i + j].h,
						   .prepared = k->prepared[i + j] };
	if (unmask_images(k->u, images, n, results) == 0) {
		for (size_t j = 0; j < n; j++)
			print(k, k->name[i + j], &results[j]);
	} else if (n == 1) {
		kit_pictures_wrong(&k->from, k->name[i], unmask_error(k->u));
	} else {
		for (size_t j = 0; j < n; j++)
			judge(k, i + j, 1);
	}
}

/* Judges all waiting pictures. Large buffers are freed: one large picture is no reason to hold that memory. -1:
 * standard output cannot be written. */
static int flush(void *data)
{
	struct work *k = data;

	if (k->n)
		judge(k, 0, k->n);
	for (size_t i = 0; i < k->n; i++) {
		free(k->name[i]);
		if (k->pixels[i].cap > MOST_BYTES / MOST)
			ds_pixels_release(&k->pixels[i]);
	}
	k->n = k->bytes = 0;
	return fflush(stdout) == 0 ? 0 : cli_error("cannot write to standard output: %s", strerror(errno));
}

/* Keeps the pixels, and gives back those it had before. */
static int take(void *data, const char *name, struct ds_pixels *p, bool prepared)
{
	struct work *k = data;
	const struct ds_pixels was = k->pixels[k->n];

	k->pixels[k->n] = *p;
	k->prepared[k->n] = prepared;
	*p = was;
	k->bytes += 3 * (size_t)k->pixels[k->n].h * (size_t)k->pixels[k->n].w;
	if (!(k->name[k->n++] = strdup(name)))
		cli_oom();
	return k->n == MOST || k->bytes > MOST_BYTES ? flush(k) : 0;
}

static void use_detector(struct work *k, struct unmask *u_take)
{
	unmask_close(k->u);
	k->u = u_take;
	unmask_sizes(k->u, NULL, &k->from.h, &k->from.w, NULL);
	k->from.prepare = unmask_prepare(k->u);
}

/* Handles signals. A new detector is opened between two pictures; if it cannot be opened, the old one stays. */
static bool stop(void *data)
{
	struct work *k = data;
	struct unmask *u;

	if (cli_stopping())
		return true;
	if (!cli_live_again())
		return false;
	if (flush(k) < 0)
		return true;
	if ((u = open_detector(k->path))) {
		use_detector(k, u);
		cli_info("'%s' was read again", k->path);
	} else {
		cli_error("the detector stays as it was");
		k->from.trouble = true;
	}
	return false;
}

static int run(struct work *k, char **files, int n)
{
	struct unmask *u;
	int rc = 0;

	k->from = (struct kit_pictures){
		.data = k, .take = take, .idle = flush, .stop = stop, .threads = (int)cli.threads
	};
	if (cli_live_begin(true) < 0 || !(u = open_detector(k->path)))
		return -1;
	use_detector(k, u);
	report_verdict_head(stdout, form());
	for (int i = 0; i < n && rc == 0 && !stop(k); i++)
		rc = kit_pictures_of(&k->from, files[i]);
	return flush(k) < 0 ? -1 : rc;
}

static void release(struct work *k)
{
	unmask_close(k->u);
	kit_pictures_release(&k->from);
	for (size_t i = 0; i < MOST; i++)
		ds_pixels_release(&k->pixels[i]);
}

int main(int argc, char **argv)
{
	static char dash[] = "-";
	int first = cli_parse(&tool, argc, argv), rc;
	const int left = argc - first - 1;
	struct work k = { 0 };
	struct stat st;

	if (left < 0)
		cli_usage("no DETECTOR given: ood-pack makes one");
	if (strcmp(argv[first], "-") == 0)
		cli_usage("DETECTOR must be a file, because standard input has pictures");
	if (stat(argv[first], &st) == 0 && S_ISDIR(st.st_mode))
		cli_usage("'%s' is a folder; the first operand is the DETECTOR, a file that ood-pack makes",
			  argv[first]);
	if (tsv && cli.json)
		cli_usage("--tsv and --json exclude each other");
	if (false_alarm > 0 && !watch)
		cli_usage("--false-alarm goes with --watch; at what rate pictures are out is up to the detector's "
			  "threshold (ood-threshold --false-alarm)");
	if (false_alarm == 0)
		false_alarm = 0.01;
	k.path = argv[first];
	rc = run(&k, left ? argv + first + 1 : (char *[]){ dash }, left ? left : 1);
	rc = cli_finish(k.from.trouble || (rc < 0 && !cli_stopping()));
	release(&k);
	cli_reraise_stop();
	return rc ? rc : k.out;
}
