/* SPDX-License-Identifier: MIT
 *
 * th: the seam to libtorch. A C ABI of operations, without domain logic; lib/um gives them their purpose.
 *
 * Linking libtorch costs 0.6 s and 160 MB at every start, so it is linked to a shared object of our own
 * (libunmask-th.so) that th_load() opens on first use; its functions are the members of struct th_api, reached through
 * the pointer th:
 *
 *	if (th_load(err) < 0 || th->open("cpu", 2) < 0) ...
 *	struct th_scope *s = th->scope_begin(true);
 *	struct th_tensor *h = th->relu_(s, th->conv2d(s, x, w, NULL, 1, 1));	// (N,C,H,W)
 *	...
 *	if (th->scope_end(s) < 0) ... th->last_error()
 *
 * Rules of the seam:
 * - Tensors made by an operation belong to its scope and die with it (or before, by release()).
 *   Tensors made by tensor_new() belong to the caller, who frees them with tensor_free().
 * - Errors in a scope are sticky: the first is kept, later operations return NULL and do nothing,
 *   and NULL operands are taken as a sign of an earlier error. Check once, at scope_end().
 * - No exception escapes: every body catches everything. last_error() has the text, one line.
 * - Float tensors of four dimensions are kept channels-last, which is what oneDNN computes fastest.
 * - Everything runs on the device that open() named. One thread calls; libtorch uses the threads
 *   that open() was given.
 */
#ifndef TH_H
#define TH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct th_tensor;
struct th_scope;
struct th_lane;
struct th_graph;
struct err;
/* TH_BF16 tensors come only from a cast; their numbers are read and written as floats. */
enum th_type { TH_U8, TH_I64, TH_F32, TH_BF16 };
/* Activations of act(); GELU by erf. */
enum th_act { TH_RELU6, TH_SILU, TH_GELU, TH_HARDSWISH, TH_HARDSIGMOID, TH_SIGMOID };
enum { TH_ABI = 12 };

struct th_api {
	int abi; /* TH_ABI */

	/* ---- process ---- */
	const char *(*version)(void); /* libtorch's, "1.13.1" */
	/* Sets the device ("cpu", "cuda", "cuda:1") and the threads for everything that follows. -1: no such device. */
	int (*open)(const char *device, int threads);
	/* Has the device memory of its own, apart from the host's? */
	bool (*apart)(void);
	/* May a GPU's convolutions and products round floats to TF32's 11 bits? open() sets no, unlike PyTorch, whose
	 * convolutions do. */
	void (*tf32)(bool on);
	void (*seed)(uint64_t seed);     /* of dropout */
	const char *(*last_error)(void); /* of this thread, without backtrace */

	/* ---- scopes ---- */
	/* grad: operations record what backward() needs. A scope may begin while another is open, but must end before
	 * it. NULL: out of memory. */
	struct th_scope *(*scope_begin)(bool grad);
	int (*scope_end)(struct th_scope *s);                     /* frees; -1 if there was an error. Accepts NULL
								   * (-1). */
	void (*release)(struct th_scope *s, struct th_tensor *t); /* t is no longer used */

	/* ---- tensors of the caller ---- */
	/* data: the elements, copied; NULL: zeros. Returns NULL with last_error(). */
	struct th_tensor *(*tensor_new)(enum th_type type, int ndim, const size_t *shape, const void *data);
	void (*tensor_free)(struct th_tensor *t);
	/* Copies values in or out, row-major, of t's own type; data NULL sets zeros. */
	int (*tensor_set)(struct th_tensor *t, const void *data);
	int (*tensor_get)(const struct th_tensor *t, void *data);
	/* Converts its values to that type. */
	int (*tensor_cast)(struct th_tensor *t, enum th_type type);
	/* Gives the caller a handle to a tensor of s, which shares its values and outlives the scope. */
	struct th_tensor *(*tensor_keep)(struct th_scope *s, const struct th_tensor *t);
	/* Gives the caller a tensor of this shape that shares the numbers of t, of one dimension, from `at` on. */
	struct th_tensor *(*tensor_view)(const struct th_tensor *t, size_t at, int ndim, const size_t *shape);
	/* From now on backward() adds t's gradient to `gradient`, of the same shape. */
	int (*tensor_track)(struct th_tensor *t, const struct th_tensor *gradient);
	/* Copies the gradient out; zeros if there is none. */
	int (*tensor_grad)(const struct th_tensor *t, float *data);

	/* ---- operations; shapes are PyTorch's ---- */
	struct th_tensor *(*from_host)(struct th_scope *s, enum th_type type, int ndim, const size_t *shape,
				       const void *data);
	int (*to_host)(struct th_scope *s, const struct th_tensor *t, float *data, size_t count);
	/* Copies x's values to a tensor of the caller, of the same shape. */
	int (*assign)(struct th_scope *s, struct th_tensor *to, const struct th_tensor *x);
	/* x as that type; x itself if it already has that type. */
	struct th_tensor *(*cast)(struct th_scope *s, const struct th_tensor *x, enum th_type type);
	/* float(x) * scale[c] + shift[c]; x (N,C,H,W) of any type, scale and shift (C) */
	struct th_tensor *(*channel_affine)(struct th_scope *s, const struct th_tensor *x,
					    const struct th_tensor *scale, const struct th_tensor *shift);
	/* w (O,C/groups,K,K) or (O,C), bias (O) or NULL */
	struct th_tensor *(*conv2d)(struct th_scope *s, const struct th_tensor *x, const struct th_tensor *w,
				    const struct th_tensor *bias, int stride, int pad, int groups);
	/* gamma and beta may be NULL; train: batch statistics, mean and var are updated */
	struct th_tensor *(*batch_norm)(struct th_scope *s, const struct th_tensor *x, const struct th_tensor *gamma,
					const struct th_tensor *beta, struct th_tensor *mean, struct th_tensor *var,
					bool train, double momentum, double eps);
	/* relu_ in place: x's values are overwritten. */
	struct th_tensor *(*relu)(struct th_scope *s, const struct th_tensor *x);
	struct th_tensor *(*relu_)(struct th_scope *s, const struct th_tensor *x);
	struct th_tensor *(*act)(struct th_scope *s, const struct th_tensor *x, enum th_act act);
	/* x (N,C,H,W) or (N,C) times y (N,C), (C) or (C,1,1) */
	struct th_tensor *(*mul)(struct th_scope *s, const struct th_tensor *x, const struct th_tensor *y);
	/* over the channels of each pixel of x (N,C,H,W) or (N,C); gamma and beta (C) */
	struct th_tensor *(*layer_norm)(struct th_scope *s, const struct th_tensor *x, const struct th_tensor *gamma,
					const struct th_tensor *beta, double eps);
	/* x (N,C,H,W) to (N,C,1+HW,1): `first` (1,1,C), then its pixels, plus places (1,1+HW,C) */
	struct th_tensor *(*tokens)(struct th_scope *s, const struct th_tensor *x, const struct th_tensor *first,
				    const struct th_tensor *places);
	/* x (N,3C,T,1), queries, keys and values, to (N,C,T,1) */
	struct th_tensor *(*attention)(struct th_scope *s, const struct th_tensor *x, int heads);
	struct th_tensor *(*first_pixel)(struct th_scope *s, const struct th_tensor *x); /* (N,C) */
	struct th_tensor *(*concat)(struct th_scope *s, const struct th_tensor *a,
				    const struct th_tensor *b); /* along channels */
	struct th_tensor *(*add)(struct th_scope *s, const struct th_tensor *a, const struct th_tensor *b);
	/* n channels of zeros before its own and as many after them */
	struct th_tensor *(*pad_channels)(struct th_scope *s, const struct th_tensor *x, int n);
	struct th_tensor *(*avg_pool)(struct th_scope *s, const struct th_tensor *x, int k);
	/* Windows of k, this stride, pad on every side; the padding never wins. */
	struct th_tensor *(*max_pool)(struct th_scope *s, const struct th_tensor *x, int k, int stride, int pad);
	/* (N,C,H,W) to (N,C*H*W), channel by channel */
	struct th_tensor *(*flatten)(struct th_scope *s, const struct th_tensor *x);
	struct th_tensor *(*mean_hw)(struct th_scope *s, const struct th_tensor *x); /* (N,C), floats */
	struct th_tensor *(*dropout)(struct th_scope *s, const struct th_tensor *x, double p);
	/* x (N,D) or (N,D,1,1), w (O,D) or (O,D,1,1), bias (O) or NULL: (N,O) */
	struct th_tensor *(*linear)(struct th_scope *s, const struct th_tensor *x, const struct th_tensor *w,
				    const struct th_tensor *bias);

	/* ---- gradients of tensors of a scope ---- */
	/* x's values, detached from how they were computed and tracked: backward() gives its gradient. */
	struct th_tensor *(*leaf)(struct th_scope *s, const struct th_tensor *x);

	/* Goes back, once, from n outputs y and their gradients to all tracked tensors. */
	int (*backward)(struct th_scope *s, size_t n, struct th_tensor *const *y, struct th_tensor *const *dy);

	/* ---- arithmetic in place, on tensors of the same shape; nothing waits for the device ---- */
	int (*affine_)(struct th_scope *s, struct th_tensor *x, double a, double b); /* x = a x + b */
	int (*times_)(struct th_scope *s, struct th_tensor *x, const struct th_tensor *y);
	/* y += a x;  y += a x z;  y += a x / z */
	int (*add_)(struct th_scope *s, struct th_tensor *y, double a, const struct th_tensor *x);
	int (*add_product_)(struct th_scope *s, struct th_tensor *y, double a, const struct th_tensor *x,
			    const struct th_tensor *z);
	int (*add_quotient_)(struct th_scope *s, struct th_tensor *y, double a, const struct th_tensor *x,
			     const struct th_tensor *z);
	struct th_tensor *(*root)(struct th_scope *s, const struct th_tensor *x); /* a new one */
	/* Scales x so that its 2-norm is at most max: by max / (norm + 1e-6), if that is below 1. */
	int (*clip_)(struct th_scope *s, struct th_tensor *x, double max);

	/* ---- ranks: processes with a device each, which add up tensors through libtorch's c10d ----
	 *
	 * By NCCL on GPUs, by Gloo on the CPU, if libtorch has that and the seam was built with its headers. */

	/* "NCCL", "Gloo", or NULL: this build cannot, for the device that is open. */
	const char *(*ranks_by)(void);
	/* Rank 0 opens a port, on all of its machine's addresses, and returns it; -1. All ranks then join there, within
	 * `seconds`, which is also how long a sum waits for a rank that is gone. */
	int (*ranks_listen)(int size, int seconds);
	int (*ranks_join)(const char *host, int port, int rank, int size, int seconds);
	/* Adds up x over the ranks, after the operations before it and before those that follow. */
	int (*ranks_sum)(struct th_scope *s, struct th_tensor *x);
	void (*ranks_leave)(void);

	/* ---- lanes: batches that are copied in and out during the computation ----
	 *
	 * A lane has buffers on the host, page-locked if the device is a GPU, and a stream for its copies. On a GPU
	 * send and fetch return at once: input must not change until wait() returns, and output is valid only then. On
	 * a CPU they are done when they return. While one lane's batch is computed, another's is copied; computations
	 * run in the order in which they were requested. */

	/* Allocates a batch of this type and shape, and n_out floats for results. NULL: last_error(). */
	struct th_lane *(*lane_new)(enum th_type type, int ndim, const size_t *shape, size_t n_out);
	void (*lane_free)(struct th_lane *l);   /* waits first; accepts NULL */
	void *(*lane_input)(struct th_lane *l); /* the host's buffer, to be filled */
	float *(*lane_output)(
		const struct th_lane *l); /* likewise; the caller may write to what nothing is fetched to */
	int (*lane_send)(struct th_lane *l, size_t rows); /* the first `rows` rows of input */
	/* The batch that was sent, on the device, valid until the next send; row-major, cast() brings maps of floats
	 * into the seam's layout. Operations on it wait until it has arrived. */
	struct th_tensor *(*lane_tensor)(struct th_scope *s, struct th_lane *l);
	/* Copies t's values, count of them, as floats to output[at..] once they have been computed. */
	int (*lane_fetch)(struct th_scope *s, struct th_lane *l, const struct th_tensor *t, size_t at, size_t count);
	int (*lane_wait)(struct th_lane *l); /* for everything fetched */

	/* ---- graphs: operations recorded once and launched as a whole; on a GPU only ---- */

	bool (*graphs)(void); /* does the device have them? */
	/* Operations up to graph_end() are recorded, not run. run() runs them on the current values of tensors from
	 * before the recording, and sets the values of kept tensors from the recording. In between nothing may be
	 * copied to or from the host. If recording fails, begin returns NULL, and end -1, with last_error(); the graph
	 * may then only be freed, and operations run as before.
	 * after: a graph that this one goes on from, as backward() goes on from what the other one computed, so that
	 * the two share their memory and must always run in this order; or NULL. */
	struct th_graph *(*graph_begin)(const struct th_graph *after);
	int (*graph_end)(struct th_graph *g);
	int (*graph_run)(struct th_graph *g);
	void (*graph_free)(struct th_graph *g); /* accepts NULL */
};

/* The functions, after th_load(). */
extern const struct th_api *th;

/* Opens libunmask-th.so beside the program, or in its ../lib/unmask/, once. Makes malloc keep freed buffers: fresh
 * pages are the largest cost of an operation.
 * -1 with a line in err. */
int th_load(struct err *err);

#ifdef __cplusplus
}
#endif
#endif
