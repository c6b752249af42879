/* SPDX-License-Identifier: MIT
 *
 * cli: what every program's command line has in common. A tool describes its options in one table; parsing, --help, the
 * config file and the list of settings all come from that table.
 *
 *	static struct { long epochs; double lr; bool nesterov; const char *out; } o = { 100, 0.1 };
 *	static const struct cli_option options[] = {
 *		{ "epochs", 'e', CLI_INT, "N", &o.epochs, 1, 1e6, "passes over the training data" },
 *		{ "lr", 0, CLI_DOUBLE, "X", &o.lr, 0, 1e3, "learning rate" },
 *		{ "nesterov", 0, CLI_FLAG, NULL, &o.nesterov, 0, 0, "Nesterov momentum" },
 *		{ "output", 'o', CLI_STR, "FILE", &o.out, 0, 0, "write to FILE" },
 *		{ 0 } };
 *	static const struct cli_tool tool = { "um-train", "[option...] [FILE]", "what it does",
 *		options, "closing text", CLI_SEED | CLI_THREADS };
 *	int first = cli_parse(&tool, argc, argv);	// exits on --help, --version, misuse
 *
 * The only libraries that print and exit are this one and those that use it: kit, job and report.
 */
#ifndef CLI_H
#define CLI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ------------------------------------------------------------------------------- */

/* The type of *value: long, double, const char * (borrowed from argv or the config file, lives to the end), bool
 * (--name and --no-name), long (index into the '|'-separated words of arg; --no-name selects its word "none", if it has
 * one), struct cli_list. */
enum cli_type { CLI_INT = 1, CLI_DOUBLE, CLI_STR, CLI_FLAG, CLI_CHOICE, CLI_LIST };

/* The values of an option that may be given several times, in order. */
struct cli_list {
	const char **v;
	size_t n;
};

struct cli_option {
	const char *name; /* long name, without dashes; NULL ends the table */
	int key;          /* short letter, or 0 */
	enum cli_type type;
	const char *arg; /* placeholder for the value in --help; CLI_CHOICE: "a|b|c" */
	void *value;     /* holds the default before cli_parse() */
	double min, max; /* range of CLI_INT and CLI_DOUBLE, both inclusive */
	const char *help;
};

/* Shared options that a tool may take; all take --help --version --quiet --verbose --config. */
enum {
	CLI_SEED = 1 << 0,     /* --seed N, cli.seed */
	CLI_THREADS = 1 << 1,  /* --threads N, cli.threads */
	CLI_DEVICE = 1 << 2,   /* --device cpu|cuda, cli.device */
	CLI_PROGRESS = 1 << 3, /* --[no-]progress */
	CLI_OUTPUT = 1 << 4,   /* -o FILE, --no-history: writes a stream, cli.output */
	CLI_ANSWERS = 1 << 5,  /* its exit status is an answer, like grep's: every failure exits with 2 */
	CLI_ROWS = 1 << 6,     /* --json, cli.json: prints a table, which cli_table.h can print as JSON */
};

struct cli_tool {
	const char *name, *synopsis, *purpose;
	const struct cli_option *options;
	const char *footer; /* printed after the options; or NULL */
	int flags;
	const struct cli_option *more; /* options that it shares with other tools; or NULL */
};

/* The values of the shared options. */
struct cli_shared {
	bool quiet, verbose, no_history, json;
	long seed;          /* default 0 */
	long threads;       /* default: OMP_NUM_THREADS, or the processors this process may use */
	const char *device; /* default "cpu" */
	const char *output; /* NULL: standard output */
	const char *config; /* path of --config, or NULL */
	const char *tool;   /* the program's name */
	char *defaults;     /* settings before any option was parsed: cli_settings() */
	int argc;
	char **argv; /* as given, for the history */
};
extern struct cli_shared cli;

/* Parses argv (after the config file, if --config is given: flat YAML, `long-option: value`; the command line wins) and
 * returns the index of the first operand. Sets up signals: SIGPIPE kills; SIGINT, SIGTERM and SIGHUP remove temporaries
 * and kill. --help and --version print and exit 0; misuse prints one line and "Try 'X --help'." on stderr and exits
 * 2. */
int cli_parse(const struct cli_tool *tool, int argc, char **argv);
/* The settings in force, every option of the tool with its value, as the text of a config file that reproduces them.
 * Omits options that were not given and have no default, and those that concern only this call: -o, --config,
 * --progress, --json, -q, -v, --no-history, and those named in skip (NULL ends it). New memory that the caller
 * frees. */
char *cli_settings(const char *const *skip);
/* Was the option with this value on the command line? Then it was meant for this run, and is misuse if it cannot act; a
 * config file may serve several runs. */
bool cli_given(const void *value);
/* Reports misuse found by the tool itself: prints the line and "Try 'X --help'.", exits 2. */
void cli_usage(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Parses a whole string as a number within a range, for values that tools take apart. 0, or -1 with nothing printed. */
int cli_parse_int(const char *s, double min, double max, long *ret) TS_CHECKED;
int cli_parse_double(const char *s, double min, double max, double *ret) TS_CHECKED;
/* Checks that no word of a list "a,b,c" appears twice, as it would count twice; usage error if one does. list may be
 * NULL. */
void cli_check_once(const char *option, const char *list);
/* Parses "3x32x32": at most n whole numbers from 1 to `most`. Returns how many, or 0 if it is anything else. */
int cli_parse_sizes(const char *s, long most, long *v, int n);

/* ---- messages: "NAME: text" on stderr, the progress line cleared first --------------------- */

/* An error; returns -1. Lower case, no full stop, what failed first, subject in single quotes. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A warning; silent with --quiet. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Information; only with --verbose. */
void cli_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line of a log, without the program's name in front; silent with --quiet. */
void cli_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The progress line. Shown only with a terminal on stderr (or --progress), or on the terminal that UNMASK_PROGRESS
 * names, as for pipelines whose stderr is a log; not with --quiet; at most four times a second. An empty text clears
 * it. */
void cli_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The speed in `what`, and the remaining time if the total is known (0: it is not): "52.3 images/s, 1:05 left". Counts
 * what was done since the first call, which gives the starting point. Overwritten by the next call. */
const char *cli_pace(const char *what, double done, double total);

/* ---- streams ------------------------------------------------------------------------------- */

/* The one operand of a filter, argv[first], or NULL if there is none; usage error if there are more. */
const char *cli_operand(int first, int argc, char **argv);
/* Opens that operand for reading ("-" or none: standard input). Refuses a terminal, exit 1. */
struct ts_reader *cli_input(int first, int argc, char **argv);
/* Writes a string as a cell of a TSV table: escapes what would break the table, and control characters, which would
 * reach the terminal. */
void cli_put_cell(FILE *f, const char *s);
/* Writes a string as a JSON string; each byte that is not UTF-8, as in file names, becomes four characters, \xe9 or the
 * like, as in streams: names that differ stay different, unless one has these four characters itself. Exits when out of
 * memory. */
void cli_put_json(FILE *f, const char *s);
/* Reads the next line of f, without its end, into *line, which is malloc'ed or NULL, holds *cap bytes and grows; the
 * last line may lack its newline. 1; 0: there are no more; -1: out of memory, cannot be read, a zero byte, or a line of
 * more than a MiB, because a device has no line ends. */
int cli_line(FILE *f, char **line, size_t *cap, struct err *err);
/* The lines of a text file, without line ends and trailing blanks, and without a UTF-8 byte order mark; ts_strs_free()
 * it. NULL after an error that it prints: no file, no lines. */
char **cli_lines(const char *path, size_t *n);
/* Warns of the names in the lines of p[0..n), if there are any: they had arrived when a signal ended the program. */
void cli_warn_unread(const char *p, size_t n);
/* Opens path for reading; NULL and "-" are standard input; refuses a terminal, exit 1. */
struct ts_reader *cli_open(const char *path);
/* Opens cli.output for writing; refuses a terminal, exit 1. */
struct ts_writer *cli_output(void);
/* Adds this run to h's history, after those of the inputs; with --no-history drops the whole history instead. Exits
 * when out of memory. */
void cli_history(struct ts_header *h, const struct ts_header *const *inputs, size_t n);
/* The same for a program with several outputs: part, a word, tells this one's id from the others'. The history shows it
 * as a comment. */
void cli_history_part(struct ts_header *h, const struct ts_header *const *inputs, size_t n, const char *part);
/* The same for a header that was read: keeps its meta, drops its fields and its history. h may be one of the inputs. */
void cli_history_anew(struct ts_header *h, const struct ts_header *const *inputs, size_t n);
/* If the reader / writer has failed, prints its error and returns -1; otherwise returns 0. */
int cli_check_reader(const struct ts_reader *r);
int cli_check_writer(const struct ts_writer *w);
/* The last act of every program: checks that everything was written to standard output, and returns the exit status: 0
 * if status is 0 and it was, otherwise cli_failed(). */
int cli_finish(int status);
/* The exit status for failures: 1, or with CLI_ANSWERS 2. */
int cli_failed(void);
/* Prints "out of memory" and exits. */
void cli_oom(void) __attribute__((noreturn));
/* Becomes true when SIGINT or SIGTERM asks to stop; only after cli_catch_stop(), which replaces the deadly handlers by
 * ones that set it. A second signal, a second or more after the first, ends the program at once: it may be waiting for
 * a reader that does not read. Signals that are ignored, as shells do for background jobs, stay ignored. */
bool cli_stopping(void);
void cli_catch_stop(void);
/* If stopping: ends the program by that signal. */
void cli_reraise_stop(void);
/* Makes signals end the program at once again; one that arrived in the meantime does so now. */
void cli_release_stop(void);
/* Prints a line on standard output. */
void cli_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
#endif
