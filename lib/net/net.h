/* SPDX-License-Identifier: MIT
 *
 * net: networks as data. An architecture is a function that writes down a list of nodes with
 * PyTorch's parameter names; executors (lib/um through libtorch, lib/nn) read the list. Adding an
 * architecture is one file in arch/ and its name in the list of net_arch.c.
 *
 * A spec names an architecture and its parameters: "densenet:depth=100,growth=12". Parameters that
 * are left out have their defaults; net_new() makes the spec canonical (all parameters, fixed order), as it is stored
 * in checkpoints. Names from torchvision, timm and OpenOOD for networks that we have are accepted, too: "resnet18" is
 * "resnet:depth=18".
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"
#include "ts/ts_images.h"
#include "ts/ts_rng.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NET_MAX_PARAMS = 8, NET_MAX_STAGES = 8, NET_NAME = 96, NET_SPEC = 256 };

enum net_op {
	NET_INPUT,     /* normalised pixels */
	NET_CONV,      /* in[0]; weight (c, in.c / groups, kernel, kernel), or (c, in.c) of a linear layer of each
		      * pixel; bias (c) or none */
	NET_BN,        /* in[0]; eps, momentum 0.1 as PyTorch's default */
	NET_RELU,      /* in[0]; may overwrite it: nothing else reads in[0] */
	NET_ACT,       /* in[0]; act on each number */
	NET_DROPOUT,   /* in[0]; element-wise, in training only */
	NET_CONCAT,    /* in[0], in[1] along channels */
	NET_ADD,       /* in[0] + in[1] */
	NET_MUL,       /* in[0] (c,h,w) times in[1] (c,1,1), channel by channel */
	NET_SCALE,     /* in[0] times weight (c,1,1), channel by channel */
	NET_PAD,       /* in[0] with `pad` channels of zeros before its own and as many after them */
	NET_AVGPOOL,   /* in[0]; kernel x kernel, stride kernel */
	NET_MAXPOOL,   /* in[0]; kernel, stride, pad; the border never wins */
	NET_MEAN,      /* in[0]; mean over space: (c) */
	NET_FLATTEN,   /* in[0]; (c * h * w), channel by channel */
	NET_LINEAR,    /* in[0] (c); weight (c, in.c) or (c, in.c, 1, 1); bias (c) or none */
	NET_LAYERNORM, /* in[0]; normalises each pixel's channels by their mean and variance; eps; weight (c), bias
		        * (c) */
	NET_TOKENS,    /* in[0] (c,h,w) as pixels of a map (c, 1 + h w, 1) after a learnt one; plus learnt numbers for
		        * each pixel: weights (1, 1, c) and (1, 1 + h w, c) */
	NET_ATTENTION, /* in[0] (3 c, t, 1): queries, keys, values, of `heads` heads each; softmax(q k / sqrt(d)) v */
	NET_FIRST,     /* in[0]; its first pixel: (c) */
	NET_GRAPH      /* in[0]; the output of an ONNX graph: (c) (net_graph.h) */
};

/* The activation of each number, as in PyTorch; GELU by erf, not by tanh. */
enum net_act { NET_LINEAR_ACT, NET_RELU6, NET_SILU, NET_GELU, NET_HARDSWISH, NET_HARDSIGMOID, NET_SIGMOID };

struct net_node {
	enum net_op op;
	int in[2];    /* nodes before this one, -1 none */
	int last_use; /* the last node that reads this one; itself if none does */
	int c, h, w;  /* output: channels, height, width */
	int kernel, stride, pad, groups;
	int heads;
	enum net_act act;
	double eps;
	int param; /* first of its parameters in net.params, or -1 */
	int n_params;
	bool bias, affine;
};

enum net_role { NET_WEIGHT, NET_BIAS, NET_GAMMA, NET_BETA, NET_RUNNING_MEAN, NET_RUNNING_VAR, NET_BATCHES };

/* A tensor of the state, named as PyTorch's state_dict names it. The first four roles are
 * trained. */
struct net_param {
	char name[NET_NAME];
	enum net_role role;
	int node, ndim;
	size_t shape[4];
};

struct net {
	char spec[NET_SPEC]; /* canonical */
	int c, h, w;         /* input */
	int classes;
	struct net_node *nodes;
	int n_nodes, cap_nodes;
	struct net_param *params;
	int n_params, cap_params;
	int feature; /* node of the pooled penultimate features (D) */
	int head;    /* node of the last linear layer: logits (C) */
	/* The feature list, from the input on: maps at which the network can be cut, that is, nothing after one reads
	 * anything before it. The last is pooled to `feature` (in wideresnet, after a norm and a ReLU); in conv2 to
	 * conv6 the dense layers read it. May be empty. */
	int stages[NET_MAX_STAGES], n_stages;
	bool failed; /* out of memory while building */
};

/* An architecture: a value of --arch. */
struct net_arch_param {
	const char *name;
	double value, min, max; /* default and range */
	bool whole;             /* a whole number */
};
struct net_arch {
	const char *name, *help;
	struct net_arch_param params[NET_MAX_PARAMS];
	/* Writes the nodes; p holds the parameters in the table's order. -1 with a line in err. */
	int (*build)(struct net *n, const double *p, struct err *err);
	/* Do names and shapes of a state look like this architecture's? Writes the matching spec (NET_SPEC bytes).
	 * NULL: it is never guessed. */
	bool (*guess)(const struct ts_set *state, char *spec);
};
extern const struct net_arch *const net_archs[]; /* NULL ends it */
/* The i-th alias, for one of these networks with parameters, and its spec; NULL: there are no more. */
const char *net_alias(size_t i, const char **spec);

/* Builds the network of a spec for inputs (c, h, w) and this many classes. NULL with a line in err:
 * unknown architecture or parameter, a value out of range, an unsuitable input. */
struct net *net_new(const char *spec, int c, int h, int w, int classes, struct err *err);
void net_free(struct net *n);
/* Checks that the network takes images (c,h,w), or those of a stream, whose header it reads. -1: the reason is in err,
 * or in the reader. */
int net_check_input(const struct net *n, int c, int h, int w, struct err *err) TS_CHECKED;
int net_check_images(const struct net *n, struct ts_reader *r) TS_CHECKED;
/* Checks that labels are classes of the network: those of r's last batch, with `label` its column, at least `least`, 0
 * or -1; or the largest label of data in memory. -1: the reader, or err, says which is not. */
int net_check_labels(const struct net *n, struct ts_reader *r, const int64_t *label, size_t rows, int least) TS_CHECKED;
int net_check_classes(const struct net *n, size_t n_classes, struct err *err) TS_CHECKED;
/* Do labels of images with these class names (NULL: none) mean the classes of n, with names `own` (NULL: not known)?
 * Compares names if both have them, else the numbers of classes. False: `why` (NET_WHY bytes) says what differs. */
enum { NET_WHY = 256 };
bool net_same_classes(const struct net *n, char *const *own, char *const *names, size_t n_names, char *why);
/* Checks this for the labels of a stream whose header has been read. */
struct net_checkpoint;
int net_check_names(const struct net_checkpoint *c, struct ts_reader *r) TS_CHECKED;
/* The model's class for each label of a stream of images, by class names; no map if the labels are already the model's,
 * or the images have no names. If the model has no names, numbers of classes are compared: if they differ, no class is
 * known. */
int net_map_classes(struct ts_class_map *m, const struct ts_header *images, const struct net_checkpoint *c,
		    struct err *err) TS_CHECKED;
/* Describes in words what this map does to labels, if it changes them. True: some become -1. */
bool net_class_map_words(const struct ts_class_map *m, const struct net_checkpoint *c, struct err *words);
/* The map for labels that must all be the model's: -1 if one of the images' classes is not one of the model's. */
int net_map_all_classes(struct ts_class_map *m, struct ts_reader *r, const struct net_checkpoint *c) TS_CHECKED;
/* Checks that each label of the last rows of r is below 0 or one of the images' classes. */
int net_check_mapped(const struct ts_class_map *m, struct ts_reader *r, const int64_t *label, size_t rows) TS_CHECKED;
bool net_trained(enum net_role role);
/* Has it a node of dropout? If not, a probability of dropout changes nothing. */
bool net_has_dropout(const struct net *n);
/* Numbers in one image's output. */
size_t net_node_size(const struct net_node *node);
/* Number of trained values. */
size_t net_count(const struct net *n);
/* Multiply-adds of one image's pass through convolutions and linear layers. */
double net_multiply_adds(const struct net *n);

/* ---- for architectures: each adds a node that reads `in` and returns its number ---- */

/* Writes the name of a module or a value. Names in networks have a few dozen bytes, so NET_NAME is enough. */
void net_name(char buf[NET_NAME], const char *format, ...) __attribute__((format(printf, 2, 3)));
int net_input(struct net *n); /* the first; net_begin() adds it */
/* A network with only the input node and an empty spec. NULL: out of memory, with a line in err. */
struct net *net_begin(int c, int h, int w, int classes, struct err *err);
int net_conv(struct net *n, int in, const char *name, int c, int kernel, int stride, int pad);
int net_conv_bias(struct net *n, int in, const char *name, int c, int kernel, int stride, int pad);
/* In groups, each of which reads in.c / groups channels and outputs c / groups. */
int net_conv_groups(struct net *n, int in, const char *name, int c, int kernel, int stride, int pad, int groups,
		    bool bias);
/* A linear layer on each pixel; its weight and bias have these names, after `name` and a dot. */
int net_pixels_linear(struct net *n, int in, const char *name, int c);
int net_pixels_linear_as(struct net *n, int in, const char *name, const char *weight, const char *bias, int c);
int net_bn(struct net *n, int in, const char *name, bool affine); /* eps 1e-5 */
int net_bn_eps(struct net *n, int in, const char *name, double eps);
int net_layernorm(struct net *n, int in, const char *name, double eps);
int net_act(struct net *n, int in, enum net_act act);
int net_mul(struct net *n, int in, int by);
/* Its parameter is called name.what. */
int net_scale(struct net *n, int in, const char *name, const char *what);
/* Its parameters have exactly these names. */
int net_tokens(struct net *n, int in, const char *first, const char *places);
int net_attention(struct net *n, int in, int heads);
int net_first(struct net *n, int in);
/* Squeeze and excitation (Hu et al., CVPR 2018): in times outer(second(inner(first(mean of in)))), `first` to c
 * channels; both are linear layers written as 1x1 convolutions. inner NET_LINEAR_ACT is a ReLU. */
int net_excite(struct net *n, int in, const char *first, const char *second, int c, enum net_act inner,
	       enum net_act outer);
int net_relu(struct net *n, int in);
int net_dropout(struct net *n, int in);
int net_concat(struct net *n, int a, int b);
int net_add(struct net *n, int a, int b);
int net_pad(struct net *n, int in, int channels);
int net_avgpool(struct net *n, int in, int kernel);
int net_maxpool(struct net *n, int in, int kernel, int stride, int pad);
int net_mean(struct net *n, int in);
int net_flatten(struct net *n, int in);
int net_linear(struct net *n, int in, const char *name, int c);
/* A linear layer written as a 1x1 convolution of one pixel: its weight has the shape (c, in.c, 1, 1). */
int net_linear_1x1(struct net *n, int in, const char *name, int c, bool bias);
int net_graph_node(struct net *n, int in, int c);
/* For guess(): the shape of a state's tensor of this printf-like name, NULL if there is none with ndim dimensions or it
 * has no elements. Valid as long as the state is. */
const size_t *net_shape(const struct ts_set *state, int ndim, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts node `in` on the feature list and returns it; at most NET_MAX_STAGES. */
int net_stage(struct net *n, int in);

/* ---- states: the values of a network's parameters ---- */

/* How the weights of convolutions are drawn, in the published program's kinds, with fan_in = channels in * kernel area,
 * fan_out = channels out * kernel area, fan one of them, gain that of the nonlinearity that follows (PyTorch's
 * calculate_gain(): relu sqrt(2), leaky-relu of slope 0.01, tanh 5/3, sigmoid and linear 1, selu 3/4):
 * kaiming-normal     N(0, gain^2 / fan): He et al. 2015
 * kaiming-uniform    +-sqrt(3) gain / sqrt(fan)
 * xavier-normal      N(0, 2 / (fan_in + fan_out)): Glorot, Bengio 2010
 * xavier-uniform     +-sqrt(6 / (fan_in + fan_out))
 * xavier-constant    sqrt(2 / (fan_in + fan_out)) with a random sign
 * signed-constant    gain / sqrt(fan) with a random sign
 * unsigned-constant  gain / sqrt(fan)
 * standard           +-1 / sqrt(fan_in): PyTorch's default, kaiming uniform of a = sqrt(5) */
#define NET_INIT_KINDS(first, row) \
	first(KAIMING_NORMAL, "kaiming-normal") row(KAIMING_UNIFORM, "kaiming-uniform") \
		row(XAVIER_NORMAL, "xavier-normal") row(XAVIER_UNIFORM, "xavier-uniform") \
			row(XAVIER_CONSTANT, "xavier-constant") row(SIGNED_CONSTANT, "signed-constant") \
				row(UNSIGNED_CONSTANT, "unsigned-constant") row(STANDARD, "standard")
#define NET_INIT_KIND(kind, name) NET_##kind,
enum net_init_kind { NET_INIT_KINDS(NET_INIT_KIND, NET_INIT_KIND) };
#undef NET_INIT_KIND
struct net_init_options {
	long kind;         /* enum net_init_kind */
	long fan_out;      /* 1: fan is fan_out */
	long nonlinearity; /* index into the names */
};
/* "a|b|c", for the command line, in the order of kind and of nonlinearity. */
extern const char net_init_names[], net_nonlinearity_names[];

/* Writes a fresh state into *set: convolutions, and linear layers written as such, N(0, 2 / fan_in) (He et al. 2015;
 * kaiming_normal, fan_in, relu), their biases 0; other linear layers uniform +-1/sqrt(fan_in), weight and bias
 * (PyTorch's default); batch norm 1, 0; running mean 0, variance 1. -1: out of memory. */
int net_init(const struct net *n, struct ts_rng *rng, struct ts_set *set) TS_CHECKED;
/* The same, but convolutions, and linear layers written as such, as in o. */
int net_init_as(const struct net *n, const struct net_init_options *o, struct ts_rng *rng,
		struct ts_set *set) TS_CHECKED;
/* Checks that set holds a state of n: all tensors present, with the right type and shape, finite. Sorts them into the
 * order of n->params, other tensors last. -1 with a line in err. */
int net_check(const struct net *n, struct ts_set *set, struct err *err) TS_CHECKED;

/* ---- checkpoints: a state with all that is needed to use it ---- */

struct net_mask;

struct net_checkpoint {
	struct net *net;
	struct ts_set state;     /* in the order of net->params */
	struct ts_set extra;     /* masks (net_mask.h); "train/...": the state for resuming a run */
	struct net_mask *mask;   /* NULL: no masks */
	struct ts_header header; /* meta and history as read; for net_save() as set by the caller */
	double mean[4], std[4];  /* of the input's channels, for pixels in [0, 1]; part of the model */
	char **classes;          /* names; NULL if none are known */
	size_t n_classes;
	char state_hash[17]; /* for net_identity(), if net_read_beside() found it; "": compute it */
};

/* Do both normalise alike, in the single precision in which it is done? They must have the same channels. */
bool net_same_normalisation(const struct net_checkpoint *a, const struct net_checkpoint *b);
/* Sets mean and standard deviation of c's input; c must have its network. net_normalise(): to the usual ones of this
 * name; -1: there are none for this number of channels. net_normalise_by(): to numbers, "0.5,0.4,0.3", one per channel;
 * NULL: no change; -1: malformed; err begins with "mean" or "std". */
#define NET_NORMALISERS "cifar10|cifar10-narrow|cifar100|published|imagenet|half|none"
bool net_is_normaliser(const char *name);
int net_normalise(struct net_checkpoint *c, const char *name, struct err *err) TS_CHECKED;
int net_normalise_by(struct net_checkpoint *c, const char *mean, const char *std, struct err *err) TS_CHECKED;
/* The n numbers of a mean or std as net_normalise_by() takes them, to 9 digits. Returns text. */
enum { NET_NORMAL_TEXT = 128 };
const char *net_normal_text(const double *v, int n, char text[NET_NORMAL_TEXT]);

/* Reads a checkpoint to its END and builds its network. -1 with a line in err that names the
 * file. Tensors of masks and of resumable runs go to c->extra. An ONNX graph (net_graph.h) is refused, except by
 * net_load_any(), for callers that only run it. */
int net_load(struct net_checkpoint *c, const char *path, struct err *err) TS_CHECKED;
int net_load_any(struct net_checkpoint *c, const char *path, struct err *err) TS_CHECKED;
/* The same from an open stream, graphs too. */
int net_read(struct net_checkpoint *c, struct ts_reader *r, struct err *err) TS_CHECKED;
/* The same with the help of a second thread, for callers that do not change the values and want the identity. */
int net_read_beside(struct net_checkpoint *c, struct ts_reader *r, struct err *err) TS_CHECKED;
/* Writes a checkpoint atomically; path NULL: standard output. Keeps header.meta's keys, and sets arch, input, mean, std
 * and classes. -1 with a line in err. */
int net_save(struct net_checkpoint *c, const char *path, struct err *err) TS_CHECKED;
/* The same to an open writer; finishes it. */
int net_write(struct net_checkpoint *c, struct ts_writer *w, struct err *err) TS_CHECKED;
/* Does this name belong to the state for resuming a run ("train/...")? */
bool net_is_run_state(const char *name);
/* Removes everything with such a name: tensors of c->extra and values of the header; or those of a header alone. */
void net_strip(struct net_checkpoint *c);
void net_strip_meta(struct ts_meta *m);
/* Identifies a network: XXH3-64 in hex of all that its logits depend on: its state's names and values, its nodes, its
 * input's size (but of a graph, which takes any that its file allows) and normalisation, in single precision. -1: out
 * of memory. */
int net_identity(const struct net_checkpoint *c, char id[17]) TS_CHECKED;
/* A copy that shares nothing. -1: out of memory. */
int net_copy(struct net_checkpoint *ret, const struct net_checkpoint *c, struct err *err) TS_CHECKED;
void net_checkpoint_release(struct net_checkpoint *c);
/* The last layer for scores: weight (C,D) named fc.weight, bias (C) named fc.bias, zeros if it has none. The caller
 * releases both. -1: out of memory. */
int net_last_layer(const struct net_checkpoint *c, struct ts_tensor *weight, struct ts_tensor *bias) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
