/* SPDX-License-Identifier: MIT
 * Why something failed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err/err.h"

int err_fail(struct err *e, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	e->memory = false;
	return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
	char reason[sizeof e->text];
	size_t used;
	va_list ap;

	memcpy(reason, e->text, sizeof reason);
	va_start(ap, format);
	vsnprintf(e->text, sizeof e->text, format, ap);
	va_end(ap);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof e->text - used, "%s", reason);
	return -1;
}

int err_append(struct err *e, const char *format, ...)
{
	const size_t used = strlen(e->text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(e->text + used, sizeof e->text - used, format, ap);
	va_end(ap);
	return -1;
}

int err_memory(struct err *e)
{
	err_fail(e, "out of memory");
	e->memory = true;
	return -1;
}
