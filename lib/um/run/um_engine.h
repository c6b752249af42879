/* SPDX-License-Identifier: MIT
 *
 * um_engine: a network in evaluation mode, for callers that want numbers and no gradients: run by lib/nn on the
 * CPU, or through libtorch, which also knows GPUs and is the reference for lib/nn. Both give the same to
 * about 1e-5 of the outputs' size. A network that is an ONNX graph (net_graph.h) is run by ONNX Runtime (um_graph.h),
 * whichever of them is asked for; it has no maps and no gradients.
 */
#ifndef UM_ENGINE_H
#define UM_ENGINE_H

#include "err/err.h"
#include "um/um.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_engine;

/* Floats as they are; in convolutions and products rounded to TF32's 11 bits, which GPUs have fast; in bfloat16: in
 * products alone by lib/nn, weights and maps before the features by libtorch. Batch norms' values, features and logits
 * are floats always. */
enum um_precision { UM_F32, UM_TF32, UM_BF16 };

/* What users can ask for; is it libtorch then? Always on another device than the CPU. */
enum um_runner { UM_NN, UM_TORCH };
bool um_engine_is_torch(long runner, const char *device);

struct um_engine_options {
	bool torch;         /* through libtorch, which is loaded then */
	const char *device; /* libtorch's; NULL: the CPU */
	long threads;
	size_t chunk;             /* images that libtorch takes at a time; 0: um_engine_chunk() */
	int from;                 /* the map that it starts from, a stage; 0: pixels */
	const bool *keep;         /* (n_nodes) outputs that are handed out; NULL: none */
	bool floats;              /* pixels are floats, 0 to 255 */
	long precision;           /* enum um_precision */
	bool graph;               /* on a GPU, as a graph; if it cannot be, um_engine_note() says so */
	bool unchecked;           /* the caller looks whether logits are finite: it knows the rows' numbers */
	bool take;                /* c's values go as they are copied; c is only to be released then */
	struct um_engine *beside; /* lib/nn's memory for maps is this one's: they run one at a time; or NULL */
};

/* Can it be so? -1 with a line in err if this way of running has not this precision, or UNMASK_ISA names instructions
 * that are not here. */
int um_engine_check(const struct um_engine_options *o, struct err *err) TS_CHECKED;
/* Images that libtorch takes at a time: o->chunk, or 16 on the CPU, whose cache they should fit, and on a GPU
 * 256 and at most 8 MiB of them. */
size_t um_engine_chunk(const struct um_engine_options *o, const struct net *net);

/* c: a checkpoint whose masks are baked; its network is borrowed, its values are copied
 * or, with take, moved. */
int um_engine_new(struct um_engine **ret, struct net_checkpoint *c, const struct um_engine_options *o,
		  struct err *err) TS_CHECKED;
void um_engine_free(struct um_engine *e);
const struct net *um_engine_net(const struct um_engine *e);

/* Runs n images, |u1 (n,c,h,w), or floats if it starts from a map or with floats: logits (n,C), features
 * (n,D) if not NULL, of each node that is kept maps[node] (n,c,h,w). -1: also if a logit is not
 * finite. */
int um_engine_run(struct um_engine *e, const void *input, size_t n, float *logits, float *features, float *const *maps,
		  struct err *err) TS_CHECKED;

/* The same in two parts: input is the caller's again at once, results are in place after um_engine_wait() for
 * *job, or for a later one. With libtorch two chunks of images are in work, on a GPU beside the caller; lib/nn
 * is done when it returns. Whether logits are finite is for the caller to check. */
int um_engine_start(struct um_engine *e, const void *input, size_t n, float *logits, float *features,
		    float *const *maps, uint64_t *job, struct err *err) TS_CHECKED;
int um_engine_wait(struct um_engine *e, uint64_t job, struct err *err) TS_CHECKED;
/* May work be under way when um_engine_start() is back? */
bool um_engine_overlaps(const struct um_engine *e);
/* What did not go as it should, though the results are right: a line, or NULL. */
const char *um_engine_note(const struct um_engine *e);

/* What a network is worth on labelled images. */
struct um_worth {
	double loss;     /* mean cross-entropy */
	double accuracy; /* share of images whose largest logit, the first of equal ones, is that of the label; */
	double top5;     /* whose label is among the five largest. NAN: five classes or fewer */
};
/* With a team each rank runs its share of the images, and all get the same, which is what one process gets. -1: also if
 * there are no images. */
int um_evaluate(struct um_engine *e, const struct um_data *d, struct team *team, struct um_worth *worth,
		struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
