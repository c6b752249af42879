/* SPDX-License-Identifier: MIT
 * cli_internal: what the files of lib/cli share. */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/cli.h"

enum { CLI_MAX_OPTIONS = 128 }; /* options of a tool, including shared ones */

extern const struct cli_tool *cli_tool_now; /* the tool of this process */
extern int cli_progress_mode;               /* -1 ask the terminal, 0 never, 1 always */

extern bool cli_want_help, cli_want_version;

/* Walks the tool's options, then those it shares with some tools, then the common ones that are in use; NULL ends the
 * walk, and begins it. One walk at a time. */
const struct cli_option *cli_next(const struct cli_option *o);
/* Index of word in "a|b|c", or -1. */
long cli_choice(const char *words, const char *word);
/* The start of the chosen word in the "a|b|c" of a CLI_CHOICE. */
const char *cli_choice_word(const struct cli_option *o);
/* Does it concern only this call (--output, --quiet, ...), rather than what the program computes? */
bool cli_is_of_call(const struct cli_option *o);
/* The option with this name among the tool's and the shared ones, or NULL. */
const struct cli_option *cli_find(const char *name);
/* Sets option o from the text value (NULL for a flag: true, or false if negated; for a choice if negated: "none").
 * where: the place to name in a message. Exits 2 on an invalid value. */
void cli_set(const struct cli_option *o, const char *value, bool negated, const char *where);
/* Reads the flat YAML file; exits 2 on unknown keys and invalid values, 1 if it cannot be read. */
void cli_read_config(const char *path);
/* Hands each `option: value` of flat YAML to take(), in order, with its line number from 1. -1 with err: which line is
 * not YAML, or not flat; or the reason from take(), which then returns -1. */
int cli_yaml_read(FILE *f, int (*take)(void *data, const char *key, const char *value, size_t line, struct err *err),
		  void *data, struct err *err) TS_CHECKED;
void cli_signals_init(void);
/* A descriptor that becomes readable when a signal comes that cli_live_begin() has set up; -1: one has come already. */
int cli_signal_wait(void);
/* Fills the places of standard streams that are closed, and makes the others wait where they would give up. Before
 * anything is opened. Exits if it cannot. */
void cli_standard_init(void);
/* Marks an error as reported that was not printed here. */
void cli_told(void);
/* w is the stream on standard output: if that is a pipe and the program fails before END, the program that reads it
 * learns that the error has been reported. */
void cli_watch_output(struct ts_writer *w);

#endif
