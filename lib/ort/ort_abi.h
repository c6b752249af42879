/* SPDX-License-Identifier: MIT
 *
 * The part of ONNX Runtime's C API that is used here, so that its header is not needed: Debian 12 has no package of it.
 * The table OrtApi is that of onnxruntime_c_api.h (microsoft/onnxruntime), whose rule is that functions are only ever
 * added at its end: "the ordering of these fields MUST not change after that version has shipped". Everything here was
 * shipped with version 1 of the API, whose table ends with ReleaseCustomOpDomain at 101; every library since 2019
 * provides it. Numbers are positions in the table; unused members are gaps.
 */
#ifndef ORT_ABI_H
#define ORT_ABI_H

#include <stddef.h>
#include <stdint.h>

enum { ORT_API_VERSION = 1 };
enum { ORT_LOGGING_FATAL = 4 };
enum { ORT_DEVICE_ALLOCATOR = 0, ORT_MEM_TYPE_DEFAULT = 0 };

struct ort_status; /* NULL: no error */
struct ort_env;
struct ort_session;
struct ort_session_options;
struct ort_run_options;
struct ort_value;
struct ort_memory_info;
struct ort_shape_info;
typedef void ort_gap(void);

struct ort_api {
	ort_gap *gap0[2];
	const char *(*get_error_message)(const struct ort_status *);                                /* 2 */
	struct ort_status *(*create_env)(int logging_level, const char *log_id, struct ort_env **); /* 3 */
	ort_gap *gap4[4];
	struct ort_status *(*create_session_from_array)(const struct ort_env *, const void *model, size_t n,
							const struct ort_session_options *,
							struct ort_session **); /* 8 */
	struct ort_status *(*run)(struct ort_session *, const struct ort_run_options *, const char *const *input_names,
				  const struct ort_value *const *inputs, size_t n_inputs,
				  const char *const *output_names, size_t n_outputs,
				  struct ort_value **outputs);                       /* 9 */
	struct ort_status *(*create_session_options)(struct ort_session_options **); /* 10 */
	ort_gap *gap11[13];
	struct ort_status *(*set_intra_op_num_threads)(struct ort_session_options *, int); /* 24 */
	ort_gap *gap25[24];
	struct ort_status *(*create_tensor_with_data)(const struct ort_memory_info *, void *data, size_t bytes,
						      const int64_t *shape, size_t ndim, int type,
						      struct ort_value **); /* 49 */
	ort_gap *gap50;
	struct ort_status *(*get_tensor_mutable_data)(struct ort_value *, void **); /* 51 */
	ort_gap *gap52[8];
	struct ort_status *(*get_tensor_element_type)(const struct ort_shape_info *, int *);    /* 60 */
	struct ort_status *(*get_dimensions_count)(const struct ort_shape_info *, size_t *);    /* 61 */
	struct ort_status *(*get_dimensions)(const struct ort_shape_info *, int64_t *, size_t); /* 62 */
	ort_gap *gap63[2];
	struct ort_status *(*get_tensor_type_and_shape)(const struct ort_value *, struct ort_shape_info **); /* 65 */
	ort_gap *gap66[3];
	struct ort_status *(*create_cpu_memory_info)(int allocator, int memory, struct ort_memory_info **); /* 69 */
	ort_gap *gap70[22];
	void (*release_env)(struct ort_env *);                 /* 92 */
	void (*release_status)(struct ort_status *);           /* 93 */
	void (*release_memory_info)(struct ort_memory_info *); /* 94 */
	void (*release_session)(struct ort_session *);         /* 95 */
	void (*release_value)(struct ort_value *);             /* 96 */
	ort_gap *gap97[2];
	void (*release_shape_info)(struct ort_shape_info *);           /* 99 */
	void (*release_session_options)(struct ort_session_options *); /* 100 */
	ort_gap *gap101; /* ReleaseCustomOpDomain, the last of version 1 */
};

/* Returned by OrtGetApiBase(). get_api: NULL if the library does not have that version. */
struct ort_api_base {
	const struct ort_api *(*get_api)(uint32_t version);
	const char *(*get_version)(void);
};

#endif
