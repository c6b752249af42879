/* SPDX-License-Identifier: MIT
 * How pictures were prepared, as words and in headers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_prep.h"
#include "err/err_near.h"
#include "ts/ts_images.h"

enum { MOST = 16384 }; /* pixels of a side, at most */

static const char resizes[] = "squash|short";

/* ---- words ---- */

int ds_prep_sides(const char *text, int *h, int *w, struct err *err)
{
	char tail;

	if (sscanf(text, "%5dx%5d%c", h, w, &tail) != 2) {
		if (sscanf(text, "%5d%c", h, &tail) != 1)
			*h = 0;
		*w = *h;
	}
	if (*h >= 1 && *h <= MOST && *w >= 1 && *w <= MOST && text[strspn(text, "0123456789x")] == '\0')
		return 0;
	return err_fail(err, "takes N or HxW, from 1 to %d, not '" ERR_NAME "'", MOST, text);
}

/* The number of `word` among "a|b|c"; -1 with err. */
static int choice(const char *words, const char *word, struct err *err)
{
	const size_t n = strlen(word);
	int i = 0;

	for (const char *at = words;; i++) {
		const size_t len = strcspn(at, "|");

		if (len == n && strncmp(at, word, n) == 0)
			return i;
		if (!at[len])
			return err_fail(err, "takes %s, not '" ERR_NAME "'", words, word);
		at += len + 1;
	}
}

static int unknown(const char *word, struct err *err)
{
	struct err_near near = err_near(word);
	static const char *const keys[] = { "size", "resize", "interpolation", "crop", "gray", "none" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		err_near_try(&near, keys[i]);
	return err_fail(err, "'" ERR_NAME "' is not one of size=, resize=, interpolation=, crop=, gray, none%s", word,
			err_near_text(&near, "'"));
}

/* Handles one word, split at its '='; value NULL: it has none. */
static int set(struct ds_shape *s, const char *key, const char *value, struct err *err)
{
	int n = 0;

	if (!value)
		return strcmp(key, "gray") == 0 ? (s->gray = true, 0) :
		       strcmp(key, "none") == 0 ? 0 :
						  unknown(key, err);
	if (strcmp(key, "size") == 0)
		n = ds_prep_sides(value, &s->h, &s->w, err);
	else if (strcmp(key, "crop") == 0)
		n = ds_prep_sides(value, &s->crop_h, &s->crop_w, err);
	else if (strcmp(key, "resize") == 0)
		s->shorter = (n = choice(resizes, value, err)) == 1;
	else if (strcmp(key, "interpolation") == 0)
		s->filter = (enum ds_filter)(n = choice(DS_FILTERS, value, err));
	else
		return unknown(key, err);
	return n < 0 ? err_prefix(err, "%s= ", key) : 0;
}

int ds_prep_crop_check(const struct ds_shape *s, struct err *err)
{
	const bool high = s->crop_h > s->h, wide = s->crop_w > s->w;

	if (s->h && s->crop_h && (s->shorter ? high && wide : high || wide))
		return err_fail(err, "the crop of %dx%d is larger than the size of %dx%d that it is cut from",
				s->crop_h, s->crop_w, s->h, s->w);
	return 0;
}

/* Checks that the settings go together. */
static int whole(const struct ds_shape *s, bool how, bool none, struct err *err)
{
	if (how && !s->h)
		return err_fail(err, "resize= and interpolation= need size=");
	if (s->shorter && s->h != s->w)
		return err_fail(err, "resize=short takes one number as size=, that of the shorter side");
	if (none && (s->h || s->crop_h || s->gray))
		return err_fail(err, "none stands alone");
	return ds_prep_crop_check(s, err);
}

int ds_prep_parse(struct ds_shape *s, const char *words, struct err *err)
{
	char *copy = strdup(words), *rest = copy, *word;
	bool how = false, none = false, some = false;
	int rc = copy ? 0 : err_memory(err);

	*s = (struct ds_shape){ 0 };
	while (rc == 0 && (word = strsep(&rest, " ,\t"))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		some = true;
		how |= strcmp(word, "resize") == 0 || strcmp(word, "interpolation") == 0;
		none |= strcmp(word, "none") == 0;
		rc = set(s, word, value, err);
	}
	free(copy);
	if (rc == 0 && !some)
		rc = err_fail(err, "no words; 'none' takes pictures as they are");
	return rc < 0 ? -1 : whole(s, how, none, err);
}

/* Word i of "a|b|c". */
static void pick(const char *words, int i, char buf[16])
{
	while (i--)
		words += strcspn(words, "|") + 1;
	snprintf(buf, 16, "%.*s", (int)strcspn(words, "|"), words);
}

static void put_sides(char *text, const char *key, int h, int w)
{
	const size_t at = strlen(text);

	if (h == w)
		snprintf(text + at, DS_PREP - at, "%s%d", key, h);
	else
		snprintf(text + at, DS_PREP - at, "%s%dx%d", key, h, w);
}

/* Writes all words, with the given texts before each key and between it and its value. */
static void say(const struct ds_shape *s, const char *front, const char *mid, char text[DS_PREP])
{
	char key[32], word[16];

	text[0] = '\0';
	if (s->gray)
		snprintf(text, DS_PREP, "%sgray", front);
	if (s->h) {
		size_t at;

		snprintf(key, sizeof key, "%ssize%s", front, mid);
		put_sides(text, key, s->h, s->w);
		pick(resizes, s->shorter, word);
		at = strlen(text);
		snprintf(text + at, DS_PREP - at, "%sresize%s%s", front, mid, word);
		pick(DS_FILTERS, (int)s->filter, word);
		at = strlen(text);
		snprintf(text + at, DS_PREP - at, "%sinterpolation%s%s", front, mid, word);
	}
	if (s->crop_h) {
		snprintf(key, sizeof key, "%scrop%s", front, mid);
		put_sides(text, key, s->crop_h, s->crop_w);
	}
}

void ds_prep_words(const struct ds_shape *s, char words[DS_PREP])
{
	char text[DS_PREP];

	say(s, " ", "=", text);
	snprintf(words, DS_PREP, "%s", text[0] ? text + 1 : "none");
}

void ds_prep_options(const struct ds_shape *s, char options[DS_PREP])
{
	say(s, " --", " ", options);
}

bool ds_prep_size(const struct ds_shape *s, int *h, int *w)
{
	*h = s->crop_h ? s->crop_h : s->h;
	*w = s->crop_h ? s->crop_w : s->w;
	return s->crop_h || (s->h && !s->shorter);
}

int ds_prep_check(const struct ds_shape *s, int c, int h, int w, struct err *err)
{
	char words[DS_PREP];
	int to_h, to_w;

	ds_prep_words(s, words);
	if (ds_prep_size(s, &to_h, &to_w) && (to_h != h || to_w != w))
		return err_fail(err, "'%s' makes images of %dx%d, the network takes %dx%d", words, to_h, to_w, h, w);
	if (s->shorter && !s->crop_h)
		return err_fail(err, "'%s' makes images of different sizes; crop= cuts all to %dx%d", words, h, w);
	if (s->gray != (c == 1) && (s->gray || s->h || s->crop_h))
		return err_fail(err, "'%s' makes images of %d channels, the network takes %d", words, s->gray ? 1 : 3,
				c);
	return 0;
}

/* ---- headers ---- */

int ds_prep_put(struct ts_meta *m, const struct ds_shape *s)
{
	char words[DS_PREP];

	ds_prep_words(s, words);
	return ts_meta_set_str(m, TS_IMAGES_PREPARE, words);
}

/* 1; 0: meta has no such entry; -1 with err. */
static int get(const struct ts_meta *m, struct ds_shape *s, struct err *err)
{
	char *words = NULL;
	int rc = ts_meta_get_str(m, TS_IMAGES_PREPARE, &words);

	if (rc < 0)
		return err_fail(err, "meta '" TS_IMAGES_PREPARE "' is not text, or memory ran out");
	if (rc == 1 && ds_prep_parse(s, words, err) < 0)
		rc = err_prefix(err, "meta '" TS_IMAGES_PREPARE "': ");
	free(words);
	return rc;
}

static bool is_none(const struct ds_shape *s)
{
	return !s->h && !s->crop_h && !s->gray;
}

/* The network's input, (c,h,w). */
static int input_of(const struct ts_meta *m, int input[3], struct err *err)
{
	struct ts_tensor t = { 0 };
	bool good = ts_meta_get_tensor(m, "input", &t) == 1 && t.type == TS_I64 && ts_tensor_count(&t) == 3;

	for (size_t i = 0; i < 3 && good; i++) {
		const double v = ts_get(t.type, t.data, i);

		good = v >= 1 && v <= MOST;
		input[i] = good ? (int)v : 0;
	}
	ts_tensor_release(&t);
	return good ? 0 : err_fail(err, "its header lacks the input's shape (meta 'input')");
}

int ds_prep_for(struct ds_shape *s, const struct ts_meta *m, struct err *err)
{
	int input[3], rc;

	*s = (struct ds_shape){ 0 };
	if (input_of(m, input, err) < 0 || (rc = get(m, s, err)) < 0)
		return -1;
	if (rc == 0)
		return err_fail(err, "does not say how its images were prepared; um-ckpt import --prepare records it");
	if (!is_none(s))
		return ds_prep_check(s, input[0], input[1], input[2], err) < 0 ? -1 : 1;
	*s = (struct ds_shape){ .h = input[1], .w = input[2], .gray = input[0] == 1 };
	return 0;
}

int ds_prep_for_file(struct ds_shape *s, const char *path, struct err *err)
{
	struct ts_reader *r = ts_reader_open(path);
	const struct ts_header *h;
	int rc = -1;

	if (!r)
		return err_memory(err);
	if (!(h = ts_reader_expect(r, "checkpoint")))
		err_fail(err, "%s", ts_reader_error(r));
	else if ((rc = ds_prep_for(s, &h->meta, err)) < 0)
		err_prefix(err, "'%s': ", path);
	ts_reader_close(r);
	return rc;
}

/* Does it leave images of this size unchanged? */
static bool keeps(const struct ds_shape *s, int h, int w)
{
	if (s->h && (s->shorter ? s->h != (h < w ? h : w) : s->h != h || s->w != w))
		return false;
	return !s->crop_h || (s->crop_h == h && s->crop_w == w);
}

bool ds_prep_differs(const struct ts_meta *images, int h, int w, const struct ts_meta *model, struct err *words)
{
	struct ds_shape own, asked;
	char have[DS_PREP], want[DS_PREP], type[DS_PREP];
	const int has = get(images, &own, words), wants = has < 0 ? -1 : get(model, &asked, words);

	if (has < 0 || wants < 0)
		return true;
	if (!has || !wants || is_none(&asked) || (is_none(&own) && keeps(&asked, h, w)))
		return false;
	ds_prep_words(&own, have);
	ds_prep_words(&asked, want);
	if (strcmp(have, want) == 0)
		return false;
	ds_prep_options(&asked, type);
	err_fail(words, "its images were prepared by '%s', those of the model by '%s': ds-pack --for MODEL, or%s", have,
		 want, type);
	return true;
}
