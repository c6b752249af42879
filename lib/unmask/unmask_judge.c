/* SPDX-License-Identifier: MIT
 * Judging: pictures become a batch of images, then features, then scores and verdicts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unmask/unmask_internal.h"

/* ---- pictures ---- */

/* Converts a picture to the form that lib/ds uses. */
static int take_picture(struct ds_pixels *p, const struct unmask_image *im, struct err *err)
{
	const size_t row = 3 * (size_t)im->width, stride = im->stride ? im->stride : row;

	if (!im->rgb || im->width < 1 || im->height < 1 || im->width > DS_MAX_SIDE || im->height > DS_MAX_SIDE ||
	    (size_t)im->width * (size_t)im->height > DS_MAX_PIXELS)
		return err_fail(err, "image of %d x %d pixels: empty, or too large", im->width, im->height);
	if (stride < row)
		return err_fail(err, "a row of %zu bytes does not hold %d pixels", stride, im->width);
	if (ds_pixels_resize(p, im->height, im->width, err) < 0)
		return -1;
	for (size_t y = 0; y < (size_t)im->height; y++)
		memcpy(p->rgb + y * row, im->rgb + y * stride, row);
	return 0;
}

/* Prepares it for the network. */
static int shape_picture(struct unmask *u, bool prepared, struct err *err)
{
	const bool known = u->prepare[0] != '\0';
	const struct net *n = u->c.net;

	if (known && !prepared && ds_reshape(&u->picture, &u->spare, &u->shape, err) < 0)
		return -1;
	if (n->c == 1 && (prepared || !known))
		ds_gray(&u->picture);
	if (u->picture.h == n->h && u->picture.w == n->w)
		return 0;
	return err_fail(err, "image of %d x %d pixels (height x width): the network takes %d x %d%s", u->picture.h,
			u->picture.w, n->h, n->w,
			known ? "" :
				", and its checkpoint does not say how pictures become such images; um-ckpt import "
				"--prepare records it");
}

static int put_image(struct unmask *u, size_t i, const struct unmask_image *im, struct err *err)
{
	struct ts_col *to = &u->image.cols[0];

	if (take_picture(&u->picture, im, err) < 0 || shape_picture(u, im->prepared != 0, err) < 0)
		return -1;
	ds_pixels_planes(&u->picture, u->c.net->c, (uint8_t *)to->data + i * to->row);
	return 0;
}

/* ---- from images to results ---- */

static int resize(struct ts_batch *b, size_t n, struct err *err)
{
	return ts_batch_resize(b, 0) < 0 || ts_batch_resize(b, n) < 0 ? err_memory(err) : 0;
}

/* Computes features of n images of a chunk, whose first is image `first` of the caller's `all`. */
static int embed(struct unmask *u, const struct unmask_image *images, size_t n, uint64_t first, size_t all,
		 struct err *err)
{
	if (resize(&u->image, n, err) < 0 || resize(&u->feature, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (put_image(u, i, &images[i], err) < 0)
			return all == 1 ? -1 : err_prefix(err, "image %llu: ", (unsigned long long)(first + i));
	return um_extras_start(u->pass, &u->image, first, &u->feature, err) < 0 ? -1 : um_extras_finish(u->pass, err);
}

static int copy_features(struct unmask *u, const float *logits, const float *features, size_t n, struct err *err)
{
	const size_t C = u->basis.classes, D = u->basis.dim;

	if (resize(&u->feature, n, err) < 0)
		return -1;
	if (C)
		memcpy(u->feature.cols[u->logits_at].data, logits, n * C * sizeof *logits);
	memcpy(u->feature.cols[u->features_at].data, features, n * D * sizeof *features);
	return 0;
}

static void put_result(const struct unmask *u, struct unmask_result *r, size_t i)
{
	const struct ts_tensor *limit = &u->threshold.set.t[0]; /* (1), or (classes) */
	const int64_t pred = u->basis.classes ? ((const int64_t *)u->score.cols[u->pred_at].data)[i] : -1;

	*r = (struct unmask_result){
		.score = ((const float *)u->score.cols[0].data)[i],
		.threshold = (float)ts_get(limit->type, limit->data, u->threshold.classes ? (size_t)pred : 0),
		.out = ((const uint8_t *)u->score.cols[u->verdict.first].data)[i],
		.class_index = (int)pred,
		.class_name = pred >= 0 ? u->names[pred] : "",
	};
}

/* Computes scores, classes and verdicts from the current features. */
static int judge(struct unmask *u, uint64_t first, struct unmask_result *results, struct err *err)
{
	const size_t n = u->feature.n;
	float *column;

	if (resize(&u->score, n, err) < 0)
		return -1;
	column = u->score.cols[0].data;
	if (ood_score_batch(u->scorer, 1, &u->feature, first, u->threads, &column, err) < 0 ||
	    ood_output_rows(&u->output, &u->score, &u->feature, first, err) < 0 ||
	    ood_verdict_rows(&u->verdict, &u->score, first, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		put_result(u, &results[i], i);
	return 0;
}

/* ---- the watch ---- */

static void watch(struct unmask *u, struct unmask_result *results, size_t n)
{
	for (size_t i = 0; u->watch.kept && i < n; i++, u->watched++) {
		if (!ood_watch_row(&u->watch, results[i].score))
			continue;
		results[i].alarm = (struct unmask_alarm){ .raised = 1,
							  .image = u->watched,
							  .since = u->begun + ood_watch_since(&u->watch),
							  .evidence = u->watch.evidence };
		ood_watch_reset(&u->watch);
		u->begun = u->watched + 1;
	}
}

int unmask_watch(struct unmask *u, double false_alarm, uint64_t seed)
{
	if (u->broken)
		return -1;
	u->error.text[0] = '\0';
	if (!u->reference)
		return err_fail(&u->error,
				"the detector has no reference to watch by; ood-pack --reference puts one in");
	if (!(false_alarm > 0 && false_alarm < 1))
		return err_fail(&u->error, "a false-alarm probability of %g is not above 0 and below 1", false_alarm);
	if (u->watch.kept)
		ood_watch_release(&u->watch);
	u->watch = (struct ood_watch){ 0 };
	u->watched = u->begun = 0;
	return ood_watch_init(&u->watch, u->reference, u->n_reference, false_alarm, false, seed) < 0 ?
		       err_memory(&u->error) :
		       0;
}

/* ---- calls ---- */

int unmask_images(struct unmask *u, const struct unmask_image *images, size_t n, struct unmask_result *results)
{
	if (u->broken)
		return -1;
	u->error.text[0] = '\0';
	for (size_t i = 0; i < n; i += UNMASK_CHUNK) {
		const size_t some = n - i < UNMASK_CHUNK ? n - i : UNMASK_CHUNK;

		if (embed(u, images + i, some, i, n, &u->error) < 0 || judge(u, i, results + i, &u->error) < 0)
			return -1;
	}
	watch(u, results, n);
	return 0;
}

int unmask_features(struct unmask *u, const float *logits, const float *features, size_t n,
		    struct unmask_result *results)
{
	if (u->broken)
		return -1;
	u->error.text[0] = '\0';
	if (n && (!features || (u->basis.classes && !logits)))
		return err_fail(&u->error, "the detector needs features%s", u->basis.classes ? " and logits" : "");
	for (size_t i = 0; i < n; i += UNMASK_CHUNK) {
		const size_t some = n - i < UNMASK_CHUNK ? n - i : UNMASK_CHUNK;

		if (copy_features(u, logits ? logits + i * u->basis.classes : NULL, features + i * u->basis.dim, some,
				  &u->error) < 0 ||
		    judge(u, i, results + i, &u->error) < 0)
			return -1;
	}
	watch(u, results, n);
	return 0;
}
