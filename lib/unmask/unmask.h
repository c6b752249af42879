/* SPDX-License-Identifier: MIT
 *
 * unmask: a detector in a program of your own. ood-pack makes the file: a network, how pictures become its images, a
 * score with its fit, a threshold, the names of the classes.
 *
 *	struct unmask *u = unmask_open("my.detector", 1);
 *	struct unmask_image image = { .rgb = pixels, .width = 640, .height = 480 };
 *	struct unmask_result r;
 *
 *	if (unmask_error(u) || unmask_images(u, &image, 1, &r) < 0)
 *		complain(unmask_error(u));
 *	else
 *		printf("%s %g %s\n", r.class_name, r.score, r.out ? "out" : "in");
 *	unmask_close(u);
 *
 * Scores, classes and verdicts are those of the programs, to the last digit. The library does not print, end the
 * process or set signal handlers, and all its state is in handles, with one exception: libraries that it opens on first
 * use (OpenBLAS, ONNX Runtime) stay open, and opening OpenBLAS sets OPENBLAS_CORETYPE in the environment if it is not
 * set. A handle belongs to one thread at a time; any number of handles may be used in as many threads. A child after
 * fork() may open detectors, and go on with its parent's handles if no other thread was using them, but not with those
 * of ONNX graphs or of a GPU. For that, the thread that forks first lets its OpenMP threads end; they come back when
 * they are needed.
 */
#ifndef UNMASK_H
#define UNMASK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define UNMASK_API __attribute__((visibility("default")))
#else
#define UNMASK_API
#endif

struct unmask;

/* Opens the detector in a file, or in memory that is no longer needed afterwards. threads, at least 1: how many work on
 * the network. NULL only if out of memory: any other failure is reported by unmask_error(), and all calls with such a
 * handle fail. */
UNMASK_API struct unmask *unmask_open(const char *path, int threads);
UNMASK_API struct unmask *unmask_open_memory(const void *detector, size_t bytes, int threads);
/* The same for a file, with the network on a device: "cpu", "cuda", "cuda:1". A GPU is driven by libtorch, or by ONNX
 * Runtime if the network is an ONNX graph; these are opened here, and it is an ordinary error if they are missing. A
 * process uses one GPU: that of the last handle that was opened on one. */
UNMASK_API struct unmask *unmask_open_on(const char *path, int threads, const char *device);
/* Accepts NULL. */
UNMASK_API void unmask_close(struct unmask *u);
/* Why the last call with this handle failed: a line without its end, valid until the next call. NULL: it did not fail.
 * For a NULL handle: out of memory. */
UNMASK_API const char *unmask_error(const struct unmask *u);

/* ---- properties; borrowed until unmask_close() ---- */

/* The score, as given to ood-score: "vim", "energy:temperature=10". */
UNMASK_API const char *unmask_method(const struct unmask *u);
/* The number of classes of the network; 0: it has no logits. The name of a class, or its number if names are not known;
 * NULL: no such class. */
UNMASK_API size_t unmask_classes(const struct unmask *u);
UNMASK_API const char *unmask_class_name(const struct unmask *u, size_t i);
/* The size of the network's images, and the number of features. Pointers may be NULL. */
UNMASK_API void unmask_sizes(const struct unmask *u, int *channels, int *height, int *width, size_t *features);
/* How pictures become the network's images, as options of ds-pack: "size=256 resize=short interpolation=bilinear
 * crop=224"; "none": unchanged, and pictures of another size are resized. NULL: unknown. */
UNMASK_API const char *unmask_prepare(const struct unmask *u);
UNMASK_API const char *unmask_version(void);

/* ---- detecting ---- */

/* A picture: height rows of `stride` bytes (0: 3 * width), each pixel red, green, blue. It is resized, cropped and made
 * gray as the network's own images were (unmask_prepare()). prepared, not 0: this has been done already, and it has
 * their size. If the detector does not know how to prepare, only pictures of that size are accepted. */
struct unmask_image {
	const uint8_t *rgb;
	int width, height;
	size_t stride;
	int prepared;
};

/* Filled after unmask_watch(): images are counted from 0 since then. */
struct unmask_alarm {
	int raised;            /* 1: with this image; otherwise everything else is 0 */
	uint64_t image, since; /* where that is, and about where the change was */
	double evidence;
};

struct unmask_result {
	float score;            /* the larger, the more like what the network knows */
	float threshold;        /* for this image's class, if each class has its own */
	int out;                /* 1: out-of-distribution, the score is below the threshold; 0: in */
	int class_index;        /* the predicted class; -1: the network has no logits */
	const char *class_name; /* borrowed until unmask_close(); "" without logits */
	struct unmask_alarm alarm;
};

/* Judges n images. Many at a time are faster than one after the other, because every thread has work. -1: nothing was
 * judged and no image has counted; if there are several, the error says which image is at fault, counted from 0. */
UNMASK_API int unmask_images(struct unmask *u, const struct unmask_image *images, size_t n,
			     struct unmask_result *results);
/* The same from the network's outputs for n images, computed elsewhere: logits (n, classes), NULL if it has none, and
 * features (n, features), one image after the other. */
UNMASK_API int unmask_features(struct unmask *u, const float *logits, const float *features, size_t n,
			       struct unmask_result *results);

/* ---- has the world changed? ---- */

/* From now on the scores are watched as by ood-watch(1): as long as images are drawn from the same distribution as the
 * detector's reference, the probability that there is ever an alarm is at most false_alarm, above 0 and below 1. After
 * an alarm the test starts again. -1: the detector was made without a reference, or out of memory. */
UNMASK_API int unmask_watch(struct unmask *u, double false_alarm, uint64_t seed);

#ifdef __cplusplus
}
#endif
#endif
