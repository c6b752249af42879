/* SPDX-License-Identifier: MIT
 * A session of ONNX Runtime. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "ort/ort_internal.h"

struct ort {
	const struct ort_library *lib;
	const struct ort_api *api; /* the library's */
	struct ort_env *env;
	struct ort_session *session;
	struct ort_memory_info *memory;
};

/* If the status is an error, returns -1 with its message as one line. */
static int check(const struct ort_api *api, struct ort_status *status, const char *what, struct err *err)
{
	char text[2048];

	if (!status)
		return 0;
	strncpy(text, api->get_error_message(status), sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	api->release_status(status);
	return err_fail(err, "ONNX Runtime %s: %s", what, text);
}

/* The number of "cuda:N"; -1: not a possible GPU. */
static int gpu(const char *device)
{
	char *end;
	long n;

	if (strcmp(device, "cuda") == 0)
		return 0;
	if (strncmp(device, "cuda:", 5) != 0 || !device[5])
		return -1;
	n = strtol(device + 5, &end, 10);
	return *end || n < 0 || n > 1024 ? -1 : (int)n;
}

/* The GPU provider has its own function, which only libraries built with it have. */
static int use_gpu(struct ort *o, struct ort_session_options *options, const char *device, struct err *err)
{
	struct ort_status *(*append)(struct ort_session_options *, int);

	if (gpu(device) < 0)
		return err_fail(err, "ONNX Runtime knows the devices cpu, cuda and cuda:N, not '%s'", device);
	*(void **)&append = dlsym(o->lib->so, "OrtSessionOptionsAppendExecutionProvider_CUDA");
	if (!append)
		return err_fail(err,
				"'%s' is an ONNX Runtime without CUDA, so it has no device '%s': pip install "
				"onnxruntime-gpu",
				o->lib->path, device);
	if (check(o->api, append(options, gpu(device)), "cannot use the GPU", err) < 0)
		return err_append(err, "; it needs CUDA's libraries and cuDNN where the loader finds them: "
				       "LD_LIBRARY_PATH");
	return 0;
}

static int open_session(struct ort *o, const void *model, size_t n, const char *device, long threads, struct err *err)
{
	struct ort_session_options *options = NULL;
	const struct ort_api *api = o->api;
	int rc;

	if (check(api, api->create_env(ORT_LOGGING_FATAL, "unmask", &o->env), "cannot start", err) < 0 ||
	    check(api, api->create_cpu_memory_info(ORT_DEVICE_ALLOCATOR, ORT_MEM_TYPE_DEFAULT, &o->memory),
		  "cannot start", err) < 0 ||
	    check(api, api->create_session_options(&options), "cannot start", err) < 0)
		return -1;
	rc = check(api, api->set_intra_op_num_threads(options, (int)threads), "cannot have its threads", err);
	if (rc == 0 && strcmp(device, "cpu") != 0)
		rc = use_gpu(o, options, device, err);
	if (rc == 0)
		rc = check(api, api->create_session_from_array(o->env, model, n, options, &o->session),
			   "cannot take the graph", err);
	api->release_session_options(options);
	return rc;
}

int ort_open(struct ort **ret, const void *model, size_t n, const char *device, long threads, struct err *err)
{
	const struct ort_library *lib = ort_load(err);
	struct ort *o;

	*ret = NULL;
	if (!lib)
		return -1;
	if (!(o = calloc(1, sizeof *o)))
		return err_memory(err);
	o->lib = lib;
	o->api = lib->api;
	if (open_session(o, model, n, device, threads, err) < 0) {
		ort_close(o);
		return -1;
	}
	*ret = o;
	return 0;
}

void ort_close(struct ort *o)
{
	if (!o)
		return;
	if (o->session)
		o->api->release_session(o->session);
	if (o->memory)
		o->api->release_memory_info(o->memory);
	if (o->env)
		o->api->release_env(o->env);
	free(o);
}

static size_t bytes_of(const struct ort_tensor *t, size_t element)
{
	for (int i = 0; i < t->ndim; i++)
		element *= (size_t)t->dim[i];
	return element;
}

/* Type, shape and numbers of an output. */
static int look(struct ort *o, struct ort_tensor *out, struct err *err)
{
	struct ort_shape_info *info = NULL;
	const struct ort_api *api = o->api;
	size_t ndim = 0;
	void *data;
	int rc;

	if (check(api, api->get_tensor_type_and_shape(out->value, &info), "gave no tensor", err) < 0)
		return -1;
	rc = check(api, api->get_tensor_element_type(info, &out->type), "gave no tensor", err);
	if (rc == 0)
		rc = check(api, api->get_dimensions_count(info, &ndim), "gave no tensor", err);
	if (rc == 0 && ndim > ORT_DIMS)
		rc = err_fail(err, "'%s' has %zu dimensions", out->name, ndim);
	if (rc == 0)
		rc = check(api, api->get_dimensions(info, out->dim, ndim), "gave no tensor", err);
	api->release_shape_info(info);
	out->ndim = (int)ndim;
	if (rc == 0)
		rc = check(api, api->get_tensor_mutable_data(out->value, &data), "gave no tensor", err);
	if (rc == 0)
		out->data = data;
	return rc;
}

int ort_run(struct ort *o, const struct ort_tensor *in, struct ort_tensor *out, size_t n_out, struct err *err)
{
	const size_t element = in->type == 1 ? sizeof(float) : 1;
	struct ort_value *input = NULL, *values[2] = { NULL };
	const char *names[2];
	const struct ort_api *api = o->api;
	int rc;

	if (n_out > 2)
		return err_fail(err, "%zu outputs at a time", n_out);
	for (size_t i = 0; i < n_out; i++)
		names[i] = out[i].name;
	/* the library only reads the data */
	rc = check(api,
		   api->create_tensor_with_data(o->memory, (void *)(uintptr_t)in->data, bytes_of(in, element), in->dim,
						(size_t)in->ndim, in->type, &input),
		   "cannot take the images", err);
	if (rc == 0)
		rc = check(api,
			   api->run(o->session, NULL, &in->name, (const struct ort_value *const *)&input, 1, names,
				    n_out, values),
			   "cannot run the graph", err);
	for (size_t i = 0; rc == 0 && i < n_out; i++) {
		out[i].value = values[i];
		out[i].owner = o;
	}
	for (size_t i = 0; rc == 0 && i < n_out; i++)
		rc = look(o, &out[i], err);
	if (input)
		api->release_value(input);
	if (rc < 0)
		ort_release(out, n_out);
	return rc;
}

void ort_release(struct ort_tensor *out, size_t n_out)
{
	for (size_t i = 0; i < n_out; i++) {
		if (out[i].value)
			out[i].owner->api->release_value(out[i].value);
		out[i].value = NULL;
		out[i].data = NULL;
	}
}
