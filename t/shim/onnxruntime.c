/* SPDX-License-Identifier: MIT
 * The parts of ONNX Runtime that um-embed calls, for machines without it: it does not run graphs, but knows the values
 * of those that t/helper/onnx_small.py writes. f: channel means; y: the linear layer; g: the means as (n,c,1,1); map:
 * as many numbers as pixels. Like ONNX Runtime, it refuses a value that is not among the model's outputs. ORT_STUB=old:
 * it lacks our version of the API; ORT_STUB=refuse: it refuses every graph. */
#include <stdlib.h>
#include <string.h>

#include "../../lib/ort/ort_abi.h"

enum { C = 3, K = 4 };
static const float weight[K][C] = { { 1, 0.5f, -1 }, { -0.25f, 2, 0.125f }, { 0.75f, -0.5f, 0.25f }, { 0, 1, -2 } };
static const float bias[K] = { 0.5f, -1, 0.25f, 0 };

struct ort_status {
	const char *text;
};
struct ort_session {
	char *model;
	size_t n;
};
struct ort_value {
	int type;
	size_t ndim;
	int64_t dim[8];
	void *data;
	int own;
};
struct ort_shape_info {
	const struct ort_value *value;
};

static struct ort_status *fail(const char *text)
{
	static struct ort_status none = { "no memory" };
	struct ort_status *s = malloc(sizeof *s);

	if (!s)
		return &none;
	s->text = text;
	return s;
}

static struct ort_status *no_memory(void)
{
	return fail("no memory");
}

static void free_status(struct ort_status *s)
{
	if (strcmp(s->text, "no memory") != 0)
		free(s);
}

static const char *message(const struct ort_status *s)
{
	return s->text;
}

static struct ort_status *create_env(int level, const char *id, struct ort_env **ret)
{
	(void)level, (void)id;
	return (*ret = malloc(1)) ? NULL : no_memory();
}

static struct ort_status *create_memory(int allocator, int memory, struct ort_memory_info **ret)
{
	(void)allocator, (void)memory;
	return (*ret = malloc(1)) ? NULL : no_memory();
}

static struct ort_status *create_options(struct ort_session_options **ret)
{
	return (*ret = malloc(1)) ? NULL : no_memory();
}

static struct ort_status *threads(struct ort_session_options *o, int n)
{
	(void)o;
	return n > 0 ? NULL : fail("no threads");
}

static struct ort_status *create_session(const struct ort_env *e, const void *model, size_t n,
					 const struct ort_session_options *o, struct ort_session **ret)
{
	const char *how = getenv("ORT_STUB");

	(void)e, (void)o;
	if (how && strcmp(how, "refuse") == 0)
		return fail("this graph\nis not for me");
	if (!(*ret = malloc(sizeof **ret)))
		return no_memory();
	if (!((*ret)->model = malloc(n))) {
		free(*ret);
		*ret = NULL;
		return no_memory();
	}
	(*ret)->n = n;
	memcpy((*ret)->model, model, n);
	return NULL;
}

static struct ort_status *create_tensor(const struct ort_memory_info *m, void *data, size_t bytes, const int64_t *shape,
					size_t ndim, int type, struct ort_value **ret)
{
	(void)m, (void)bytes;
	if (!(*ret = calloc(1, sizeof **ret)))
		return no_memory();
	**ret = (struct ort_value){ .type = type, .ndim = ndim, .data = data };
	memcpy((*ret)->dim, shape, ndim * sizeof *shape);
	return NULL;
}

/* Is there an output { name } in the bytes? Names have one letter or three. */
static int is_output(const struct ort_session *s, const char *name)
{
	const size_t n = strlen(name);
	char key[8] = { 0x0a, (char)n };

	memcpy(key + 2, name, n);
	for (size_t i = 2; i + n + 2 <= s->n; i++)
		if (s->model[i - 2] == 0x62 && memcmp(s->model + i, key, n + 2) == 0)
			return 1;
	return 0;
}

static float pixel(const struct ort_value *x, int64_t at)
{
	return x->type == 1 ? ((const float *)x->data)[at] : ((const unsigned char *)x->data)[at];
}

static struct ort_value *value(const struct ort_value *x, const char *name)
{
	const int last = x->dim[3] == C;
	const int64_t N = x->dim[0], P = last ? x->dim[1] * x->dim[2] : x->dim[2] * x->dim[3];
	struct ort_value *v = calloc(1, sizeof *v);
	float *to = calloc((size_t)(N * C * P + N * K), sizeof *to);

	if (!v || !to) {
		free(v);
		free(to);
		return NULL;
	}
	*v = (struct ort_value){ .type = 1, .ndim = 2, .dim = { N, *name == 'y' ? K : C, 1, 1 }, .data = to, .own = 1 };
	if (*name == 'g' || *name == 'm')
		v->ndim = 4;
	if (*name == 'm')
		v->dim[2] = v->dim[3] = x->dim[2];
	for (int64_t i = 0; i < N && *name != 'm'; i++) {
		float f[C] = { 0 };

		for (int64_t c = 0; c < C; c++)
			for (int64_t k = 0; k < P; k++)
				f[c] += pixel(x, last ? (i * P + k) * C + c : (i * C + c) * P + k) / (float)P;
		for (int64_t k = 0; k < v->dim[1]; k++)
			to[i * v->dim[1] + k] = *name == 'y' ? bias[k] + weight[k][0] * f[0] + weight[k][1] * f[1] +
								       weight[k][2] * f[2] :
							       f[k];
	}
	return v;
}

static void free_value(struct ort_value *v)
{
	if (v->own)
		free(v->data);
	free(v);
}

static struct ort_status *run(struct ort_session *s, const struct ort_run_options *o, const char *const *in,
			      const struct ort_value *const *x, size_t n_in, const char *const *out, size_t n_out,
			      struct ort_value **ret)
{
	(void)o;
	if (n_in != 1 || strcmp(in[0], "x") != 0)
		return fail("no such input");
	for (size_t i = 0; i < n_out; i++)
		if (!is_output(s, out[i]))
			return fail("no such output");
	for (size_t i = 0; i < n_out; i++)
		if (!(ret[i] = value(x[0], out[i]))) {
			while (i-- > 0) {
				free_value(ret[i]);
				ret[i] = NULL;
			}
			return no_memory();
		}
	return NULL;
}

static struct ort_status *data_of(struct ort_value *v, void **ret)
{
	*ret = v->data;
	return NULL;
}

static struct ort_status *shape_of(const struct ort_value *v, struct ort_shape_info **ret)
{
	if (!(*ret = malloc(sizeof **ret)))
		return no_memory();
	(*ret)->value = v;
	return NULL;
}

static struct ort_status *type_of(const struct ort_shape_info *i, int *ret)
{
	*ret = i->value->type;
	return NULL;
}

static struct ort_status *ndim_of(const struct ort_shape_info *i, size_t *ret)
{
	*ret = i->value->ndim;
	return NULL;
}

static struct ort_status *dims_of(const struct ort_shape_info *i, int64_t *ret, size_t n)
{
	memcpy(ret, i->value->dim, n * sizeof *ret);
	return NULL;
}

static void free_session(struct ort_session *s)
{
	free(s->model);
	free(s);
}

static const struct ort_api api = { .get_error_message = message,
				    .create_env = create_env,
				    .create_session_from_array = create_session,
				    .run = run,
				    .create_session_options = create_options,
				    .set_intra_op_num_threads = threads,
				    .create_tensor_with_data = create_tensor,
				    .get_tensor_mutable_data = data_of,
				    .get_tensor_element_type = type_of,
				    .get_dimensions_count = ndim_of,
				    .get_dimensions = dims_of,
				    .get_tensor_type_and_shape = shape_of,
				    .create_cpu_memory_info = create_memory,
				    .release_env = (void (*)(struct ort_env *))free,
				    .release_status = free_status,
				    .release_memory_info = (void (*)(struct ort_memory_info *))free,
				    .release_session = free_session,
				    .release_value = free_value,
				    .release_shape_info = (void (*)(struct ort_shape_info *))free,
				    .release_session_options = (void (*)(struct ort_session_options *))free };

static const struct ort_api *get_api(uint32_t version)
{
	const char *how = getenv("ORT_STUB");

	return version == ORT_API_VERSION && !(how && strcmp(how, "old") == 0) ? &api : NULL;
}

static const char *get_version(void)
{
	return "0.1";
}

const struct ort_api_base *OrtGetApiBase(void);
const struct ort_api_base *OrtGetApiBase(void)
{
	static const struct ort_api_base base = { get_api, get_version };

	return &base;
}
