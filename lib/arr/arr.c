/* SPDX-License-Identifier: MIT
 * Sets of arrays, and access to their elements. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arr/arr_internal.h"
#include "ts/ts_utf8.h"

/* ---- sets ------------------------------------------------------------------------------------- */

int arr_keep_take(struct arr_set *s, void *p, struct err *err)
{
	const bool full = (s->n_blocks & (s->n_blocks - 1)) == 0; /* a power of two, or none */
	void **bigger = full ? realloc(s->blocks, (s->n_blocks ? 2 * s->n_blocks : 1) * sizeof *bigger) : s->blocks;

	if (!bigger) {
		free(p);
		return err_memory(err);
	}
	s->blocks = bigger;
	s->blocks[s->n_blocks++] = p;
	return 0;
}

int arr_add(struct arr_set *s, const struct arr *a, const char *name, struct err *err)
{
	struct arr *bigger;

	if (!*name || strlen(name) > TS_MAX_NAME || ts_utf8_span(name) != strlen(name))
		return err_fail(err, "'" ERR_NAME "' is not the name of an array", name);
	if (arr_find(s, name))
		return err_fail(err, "two arrays are named '" ERR_NAME "'", name);
	if (s->n == TS_MAX_FIELDS)
		return err_fail(err, "holds more than %d arrays", TS_MAX_FIELDS);
	if (!(bigger = realloc(s->a, (s->n + 1) * sizeof *bigger)))
		return err_memory(err);
	s->a = bigger;
	s->a[s->n] = *a;
	if (!(s->a[s->n].name = strdup(name)))
		return err_memory(err);
	s->n++;
	return 0;
}

void arr_set_release(struct arr_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->a[i].name);
	for (size_t i = 0; i < s->n_blocks; i++)
		free(s->blocks[i]);
	free(s->a);
	free(s->blocks);
	*s = (struct arr_set){ 0 };
}

const struct arr *arr_find(const struct arr_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->a[i].name, name) == 0)
			return &s->a[i];
	return NULL;
}

const char *const arr_words[ARR_ROLES][ARR_WORDS] = {
	{ "features", "feature", "feats", "feat", "embeddings", "embedding", "emb", "x" },
	{ "logits", "logit" },
	{ "labels", "label", "targets", "target", "classes", "class", "y" },
	{ "names", "name", "paths", "path", "files", "file", "filenames", "filename", "ids" },
	{ "preds", "pred", "predictions", "prediction", "predicted", "yhat", "hat" },
};

/* Behind the first of these words in name; NULL: it has none. */
static const char *behind_word(const char *name, const char *const *words)
{
	for (const char *p = name; *p;) {
		size_t n = 0;

		while (isalnum((unsigned char)p[n]))
			n++;
		for (size_t i = 0; words[i]; i++)
			if (strlen(words[i]) == n && strncasecmp(p, words[i], n) == 0)
				return p + n;
		p += n + (p[n] != '\0');
	}
	return NULL;
}

bool arr_has_word(const char *name, const char *const *words)
{
	return behind_word(name, words) != NULL;
}

/* label_correct and label_noise tell of labels, class_weights and num_classes of classes; but correct_label is the
 * label that is correct. */
static bool is_about_labels(const char *name)
{
	static const char *const about[] = { "correct", "wrong", "error",  "errors",    "noise", "weight",
					     "weights", "count", "counts", "smoothing", NULL };
	static const char *const how_many[] = { "num", "n", "number", NULL };
	const char *rest = behind_word(name, arr_words[ARR_LABEL]);

	return rest && (arr_has_word(rest, about) || arr_has_word(name, how_many));
}

bool arr_may_be_called(const char *name, enum arr_role role)
{
	const bool of_model = arr_has_word(name, arr_words[ARR_PRED]) || arr_has_word(name, arr_words[ARR_LOGITS]);

	if (!arr_has_word(name, arr_words[role]))
		return false;
	if (role == ARR_NAME)
		return !of_model && !arr_has_word(name, arr_words[ARR_LABEL]); /* class_names are not those of rows */
	return role != ARR_LABEL || (!of_model && !is_about_labels(name));
}

/* Is the whole name one of these words? */
static bool is_word(const char *name, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(name, words[i]) == 0)
			return true;
	return false;
}

bool arr_ends_with_word(const char *name, const char *const *words)
{
	const char *last = name + strlen(name);

	while (last > name && isalnum((unsigned char)last[-1]))
		last--;
	return is_word(last, words);
}

bool arr_is_called(const char *name, enum arr_role role)
{
	return is_word(name, arr_words[role]);
}

/* ---- arrays ----------------------------------------------------------------------------------- */

bool arr_is_number(const struct arr *a)
{
	return a->kind <= ARR_BOOL;
}

bool arr_is_text(const struct arr *a)
{
	return a->kind == ARR_UCS4 || a->kind == ARR_BYTES || a->kind == ARR_STRINGS;
}

size_t arr_row(const struct arr *a)
{
	size_t n = 1;

	for (int i = 1; i < a->ndim; i++)
		n *= a->shape[i];
	return n;
}

size_t arr_count(const struct arr *a)
{
	return a->ndim ? a->shape[0] * arr_row(a) : 1;
}

const char *arr_describe(const struct arr *a, char *buf)
{
	int len = snprintf(buf, ARR_TEXT, "%s (", a->type);

	for (int i = 0; i < a->ndim && len < ARR_TEXT - 32; i++)
		len += snprintf(buf + len, ARR_TEXT - (size_t)len, "%s%zu", i ? ", " : "", a->shape[i]);
	len += snprintf(buf + len, ARR_TEXT - (size_t)len, "%s)", a->ndim == 1 ? "," : "");
	if (a->why && len < ARR_TEXT)
		snprintf(buf + len, ARR_TEXT - (size_t)len, ", because %s", a->why);
	else if (a->odd && len < ARR_TEXT)
		snprintf(buf + len, ARR_TEXT - (size_t)len, ", because line %zu is not a number", a->odd);
	return buf;
}

/* ---- elements --------------------------------------------------------------------------------- */

/* The address of element i, counted with the last index fastest. */
static const unsigned char *place(const struct arr *a, size_t i)
{
	size_t at = 0, step = 1, below;

	if (!a->fortran || a->ndim < 2)
		return a->data + i * a->size;
	below = arr_count(a);
	for (int d = 0; d < a->ndim; d++) {
		below /= a->shape[d];
		at += i / below * step;
		i %= below;
		step *= a->shape[d];
	}
	return a->data + at * a->size;
}

/* The element's bytes, at most 8, as a number. */
static uint64_t bits(const struct arr *a, size_t i)
{
	const unsigned char *p = place(a, i);
	uint64_t v = 0;

	for (size_t k = 0; k < a->size; k++)
		v |= (uint64_t)p[a->swapped ? a->size - 1 - k : k] << (8 * k);
	return v;
}

static int64_t signed_of(uint64_t v, size_t size)
{
	if (size < 8 && v >> (8 * size - 1))
		v |= ~(uint64_t)0 << (8 * size);
	return (int64_t)v;
}

double arr_number(const struct arr *a, size_t i)
{
	const uint64_t v = bits(a, i);
	const uint32_t wide = a->kind == ARR_BFLOAT ? (uint32_t)v << 16 : (uint32_t)v;
	double d;
	float f;

	switch (a->kind) {
	case ARR_INT: return (double)signed_of(v, a->size);
	case ARR_UINT: return (double)v;
	case ARR_BOOL: return v != 0;
	default: break;
	}
	if (a->kind == ARR_FLOAT && a->size == 8) {
		memcpy(&d, &v, 8);
		return d;
	}
	if (a->kind == ARR_FLOAT && a->size == 2)
		return (double)ts_half_get((uint16_t)v);
	memcpy(&f, &wide, 4);
	return (double)f;
}

bool arr_whole(const struct arr *a, size_t i, int64_t *ret)
{
	const uint64_t v = a->kind == ARR_INT || a->kind == ARR_UINT ? bits(a, i) : 0;
	double d;

	if (a->kind == ARR_INT) {
		*ret = signed_of(v, a->size);
		return true;
	}
	if (a->kind == ARR_UINT) {
		*ret = (int64_t)v;
		return v <= INT64_MAX;
	}
	d = arr_number(a, i);
	if (!(fabs(d) <= 9007199254740992.0) || d != floor(d)) /* 2^53: beyond it a double does not hold every whole
							        * number */
		return false;
	*ret = (int64_t)d;
	return true;
}

size_t arr_string_size(const struct arr *a)
{
	return a->kind == ARR_STRINGS ? 1 : a->size + 1;
}

/* Writes a code point as UTF-8 and returns its length; 0: invalid. */
static size_t put_utf8(uint32_t c, char *to)
{
	const unsigned char head = c < 0x80 ? 0 : c < 0x800 ? 0xc0 : c < 0x10000 ? 0xe0 : 0xf0;
	const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	for (size_t k = n; k-- > 1; c >>= 6)
		to[k] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(head | c);
	return n;
}

static const char *ucs4(const struct arr *a, size_t i, char *buf, struct err *err)
{
	const unsigned char *p = place(a, i);
	size_t n = a->size / 4, len = 0;

	while (n > 0 && memcmp(p + 4 * (n - 1), "\0\0\0\0", 4) == 0)
		n--;
	for (size_t k = 0; k < n; k++) {
		const unsigned char *q = p + 4 * k;
		const uint32_t c = a->swapped ?
					   (uint32_t)q[0] << 24 | (uint32_t)q[1] << 16 | (uint32_t)q[2] << 8 | q[3] :
					   (uint32_t)q[3] << 24 | (uint32_t)q[2] << 16 | (uint32_t)q[1] << 8 | q[0];
		const size_t more = put_utf8(c, buf + len);
		if (!more) {
			err_fail(err, "row %zu of '%s' holds U+%04X, which is not a character", i, a->name, c);
			return NULL;
		}
		len += more;
	}
	buf[len] = '\0';
	return buf;
}

const char *arr_string(const struct arr *a, size_t i, char *buf, struct err *err)
{
	const char *text = buf;
	size_t n = a->size;

	if (a->kind == ARR_UCS4)
		return ucs4(a, i, buf, err);
	if (a->kind == ARR_STRINGS) {
		text = a->strings[i];
	} else {
		memcpy(buf, place(a, i), n);
		while (n > 0 && !buf[n - 1])
			n--;
		buf[n] = '\0';
		if (strlen(buf) < n) { /* the rest would be cut off */
			err_fail(err, "row %zu of '%s' has a zero byte", i, a->name);
			return NULL;
		}
	}
	if (ts_utf8_span(text) == strlen(text))
		return text;
	err_fail(err, "row %zu of '%s' is not UTF-8", i, a->name);
	return NULL;
}
