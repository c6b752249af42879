/* SPDX-License-Identifier: MIT
 * The preparation of pictures, as words: parsing and printing, what is refused, and what a checkpoint's header implies.
 * */
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "ds/ds_prep.h"
#include "ts/ts_images.h"

static struct err err;

static bool becomes(const char *words, const char *want)
{
	char got[DS_PREP];
	struct ds_shape s;

	if (ds_prep_parse(&s, words, &err) < 0)
		return false;
	ds_prep_words(&s, got);
	return strcmp(got, want) == 0;
}

static bool refused(const char *words, const char *why)
{
	struct ds_shape s;

	return ds_prep_parse(&s, words, &err) < 0 && strstr(err.text, why);
}

static void words(void)
{
	static const char most[] = "gray size=16384x16383 resize=squash interpolation=bilinear crop=16384x16383";
	char options[DS_PREP];
	struct ds_shape s;
	int h, w;

	ok(becomes("size=32", "size=32 resize=squash interpolation=bilinear"), "what is not said is written out");
	ok(becomes("crop=224,interpolation=bicubic, size=256 resize=short",
		   "size=256 resize=short interpolation=bicubic crop=224"),
	   "in the order in which it is done");
	ok(becomes("gray size=12x34", "gray size=12x34 resize=squash interpolation=bilinear"), "gray, and two sides");
	ok(becomes("crop=5x7", "crop=5x7") && becomes(" none ", "none") && becomes("gray", "gray"), "each alone");
	ok(becomes(most, most), "the longest has room");
	ok(refused("", "no words") && refused("size=0", "from 1 to 16384, not '0'") && refused("size=16385", "16384") &&
		   refused("size=3x", "size= takes N or HxW") && refused("crop=-3", "crop= takes") &&
		   refused("size=99999999999999999999", "takes") && refused("size= 3", "takes N"),
	   "sizes that are none");
	ok(refused("size=3 resize=long", "takes squash|short, not 'long'") &&
		   refused("size=3 interpolation=cubic", "takes bilinear|bicubic") &&
		   refused("size=3 interpolation=", "not ''"),
	   "words that are none");
	ok(refused("sice=3", "did you mean 'size'") && refused("rgb", "'rgb' is not one of") &&
		   refused("gray=1", "is not one of"),
	   "keys that are none");
	ok(refused("resize=short", "need size=") && refused("interpolation=box crop=3", "need size=") &&
		   refused("size=3x4 resize=short", "one number") && refused("none gray", "stands alone"),
	   "what does not go together");
	ok(ds_prep_parse(&s, "size=256 resize=short interpolation=lanczos crop=224 gray", &err) == 0 &&
		   (ds_prep_options(&s, options), strcmp(options, " --gray --size 256 --resize short --interpolation "
								  "lanczos --crop 224") == 0) &&
		   ds_prep_size(&s, &h, &w) && h == 224 && w == 224,
	   "as options of ds-pack; the size behind it");
	ok(ds_prep_parse(&s, "size=9 resize=short", &err) == 0 && !ds_prep_size(&s, &h, &w) &&
		   ds_prep_check(&s, 3, 9, 9, &err) < 0 && strstr(err.text, "different sizes; crop="),
	   "without a crop the shorter side makes no one size");
	ok(ds_prep_parse(&s, "size=9", &err) == 0 && ds_prep_check(&s, 3, 9, 9, &err) == 0 &&
		   ds_prep_check(&s, 3, 9, 8, &err) < 0 && strstr(err.text, "of 9x9, the network takes 9x8") &&
		   ds_prep_check(&s, 1, 9, 9, &err) < 0 && strstr(err.text, "3 channels, the network takes 1"),
	   "does it fit a network?");
}

/* The header of a checkpoint with input (c,h,w); prepare NULL: not recorded. */
static struct ts_header header_of(int64_t c, int64_t h, int64_t w, const char *prepare)
{
	const int64_t input[] = { c, h, w };
	struct ts_header m;
	struct ts_tensor t;
	const size_t n = 3;

	ts_header_init(&m, "checkpoint");
	if (ts_tensor_init(&t, "input", TS_I64, 1, &n) < 0)
		abort();
	memcpy(t.data, input, sizeof input);
	if (ts_meta_set_tensor(&m.meta, "input", &t) < 0 ||
	    (prepare && ts_meta_set_str(&m.meta, TS_IMAGES_PREPARE, prepare) < 0))
		abort();
	ts_tensor_release(&t);
	return m;
}

/* The preparation that a checkpoint asks for. */
static bool asks(int64_t c, int64_t side, const char *prepare, int want_rc, const char *want)
{
	struct ts_header m = header_of(c, side, side, prepare);
	char got[DS_PREP];
	struct ds_shape s;
	const int rc = ds_prep_for(&s, &m.meta, &err);

	ts_header_release(&m);
	if (rc < 0)
		return want_rc < 0 && strstr(err.text, want);
	ds_prep_words(&s, got);
	return rc == want_rc && strcmp(got, want) == 0;
}

static bool differs(const char *images, int64_t side, const char *model)
{
	struct ts_header a = header_of(3, side, side, images), b = header_of(3, side, side, model);
	const bool yes = ds_prep_differs(&a.meta, (int)side, (int)side, &b.meta, &err);

	ts_header_release(&a);
	ts_header_release(&b);
	return yes;
}

static void headers(void)
{
	struct ts_meta none = { 0 };
	struct ds_shape s;

	ok(asks(3, 32, "size=32", 1, "size=32 resize=squash interpolation=bilinear"), "what the checkpoint says");
	ok(asks(3, 32, "none", 0, "size=32 resize=squash interpolation=bilinear") &&
		   asks(1, 28, "none", 0, "gray size=28 resize=squash interpolation=bilinear"),
	   "as they were: resized to its input, gray if that is");
	ok(asks(3, 32, NULL, -1, "um-ckpt import --prepare records it"), "it says nothing");
	ok(asks(3, 32, "size=64", -1, "makes images of 64x64, the network takes 32x32") &&
		   asks(3, 32, "size=32 gray", -1, "channels") && asks(3, 32, "side=32", -1, "meta 'prepare': 'side'"),
	   "it says what cannot be");
	ok(ds_prep_for(&s, &none, &err) < 0 && strstr(err.text, "meta 'input'"), "no input's shape");
	ok(!differs("size=32", 32, "size=32 resize=squash") && !differs(NULL, 32, "size=32") &&
		   !differs("size=32", 32, NULL) && !differs("size=32", 32, "none"),
	   "the same, or not known");
	ok(!differs("none", 32, "size=32 resize=short crop=32") &&
		   differs("none", 224, "size=256 resize=short crop=224"),
	   "images as they were are the same where nothing would be done to them");
	ok(differs("size=32", 32, "size=32 interpolation=bicubic") &&
		   strstr(err.text, "by 'size=32 resize=squash interpolation=bilinear'") &&
		   strstr(err.text, "ds-pack --for MODEL, or --size 32 --resize squash --interpolation bicubic"),
	   "another interpolation; what to type");
	ok(differs("sise=32", 32, "size=32") && strstr(err.text, "meta 'prepare'"),
	   "words that cannot be read are said");
}

int main(void)
{
	words();
	headers();
	return done();
}
