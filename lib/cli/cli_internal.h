/* SPDX-License-Identifier: MIT
 * cli_internal: what the files of lib/cli share. */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/cli.h"

enum { CLI_MAX_OPTIONS = 128 };           /* of a tool, shared ones too */

extern const struct cli_tool *cli_tool_now;       /* the tool of this process */
extern int cli_progress_mode;                     /* -1 ask the terminal, 0 never, 1 always */

/* The option called name among the tool's and the shared ones, or NULL. */
const struct cli_option *cli_find(const char *name);
/* Gives option o the text value (NULL for a flag: true, or false if negated). where says who speaks
 * in a message. Exits 2 on a bad value. */
void cli_set(const struct cli_option *o, const char *value, bool negated, const char *where);
/* Reads the flat YAML file; exits 2 on unknown keys and bad values, 1 if it cannot be read. */
void cli_read_config(const char *path);
void cli_signals_init(void);

#endif
