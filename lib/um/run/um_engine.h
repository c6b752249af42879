/* SPDX-License-Identifier: MIT
 *
 * um_engine: a network in evaluation mode, for callers that want numbers and no gradients. It runs by lib/nn on the
 * CPU, or through libtorch, which also knows GPUs and is the reference for lib/nn. The two agree to about 1e-5 of the
 * outputs' size. A network that is an ONNX graph (net_graph.h) is run by ONNX Runtime (um_graph.h), whichever of them
 * is asked for; it has no maps and no gradients.
 */
#ifndef UM_ENGINE_H
#define UM_ENGINE_H

#include "err/err.h"
#include "um/um.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_engine;

/* UM_F32: floats. UM_TF32: convolutions and products round their inputs to TF32's 11 bits, which GPUs compute fast.
 * UM_BF16: bfloat16, in products alone with lib/nn, and for weights and maps before the features with libtorch. Batch
 * norms' values, features and logits are always floats. */
enum um_precision { UM_F32, UM_TF32, UM_BF16 };

/* What users can ask for; um_engine_is_torch() says whether that means libtorch, as it always does on a device other
 * than the CPU. */
enum um_runner { UM_NN, UM_TORCH };
bool um_engine_is_torch(long runner, const char *device);

struct um_engine_options {
	bool torch;         /* through libtorch, which this loads */
	const char *device; /* libtorch's; NULL: the CPU */
	long threads;
	size_t chunk;             /* images that libtorch takes at a time; 0: um_engine_chunk() */
	int from;                 /* the stage whose map is the input; 0: pixels */
	const bool *keep;         /* (n_nodes) which outputs to hand out; NULL: none */
	bool floats;              /* pixels are floats, 0 to 255 */
	long precision;           /* enum um_precision */
	bool graph;               /* on a GPU, as a graph; um_engine_note() reports if that is not possible */
	bool unchecked;           /* the caller checks that logits are finite: it knows the rows' numbers */
	bool take;                /* c's values are freed as they are copied; afterwards c may only be released */
	struct um_engine *beside; /* shares this one's memory for maps (lib/nn): the two never run at the same time; or
				   * NULL */
};

/* Checks the options: -1 with a line in err if this way of running lacks this precision, or UNMASK_ISA names
 * instructions that this processor lacks. */
int um_engine_check(const struct um_engine_options *o, struct err *err) TS_CHECKED;
/* Images that libtorch takes at a time: o->chunk, or 16 on the CPU, so that they fit its cache, or on a GPU 256, but at
 * most 8 MiB of them. */
size_t um_engine_chunk(const struct um_engine_options *o, const struct net *net);

/* c: a checkpoint whose masks are baked; its network is borrowed, its values are copied or, with `take`, moved. */
int um_engine_new(struct um_engine **ret, struct net_checkpoint *c, const struct um_engine_options *o,
		  struct err *err) TS_CHECKED;
void um_engine_free(struct um_engine *e);
const struct net *um_engine_net(const struct um_engine *e);

/* Runs n images, |u1 (n,c,h,w), or floats if it starts from a map or with floats: logits (n,C), features (n,D) if not
 * NULL, and maps[node] (n,c,h,w) of each kept node. Also fails if a logit is not finite. */
int um_engine_run(struct um_engine *e, const void *input, size_t n, float *logits, float *features, float *const *maps,
		  struct err *err) TS_CHECKED;

/* The same in two parts: the caller may reuse input at once; results are in place after um_engine_wait() for *job or a
 * later one. With libtorch two chunks of images are in flight, on a GPU in parallel with the caller; lib/nn is done
 * when it returns. The caller must check that logits are finite. */
int um_engine_start(struct um_engine *e, const void *input, size_t n, float *logits, float *features,
		    float *const *maps, uint64_t *job, struct err *err) TS_CHECKED;
int um_engine_wait(struct um_engine *e, uint64_t job, struct err *err) TS_CHECKED;
/* May work still be in flight when um_engine_start() returns? */
bool um_engine_overlaps(const struct um_engine *e);
/* A line about what went wrong without harm to the results, or NULL. */
const char *um_engine_note(const struct um_engine *e);

/* How well a network does on labelled images. */
struct um_worth {
	double loss;     /* mean cross-entropy */
	double accuracy; /* share of images whose largest logit, the first among equals, is that of the label; */
	double top5;     /* whose label is among the five largest. NAN: five classes or fewer */
};
/* With a team each rank runs its share of the images, and all get the result that one process would. Also fails if
 * there are no images. */
int um_evaluate(struct um_engine *e, const struct um_data *d, struct team *team, struct um_worth *worth,
		struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
