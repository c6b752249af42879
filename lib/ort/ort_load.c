/* SPDX-License-Identifier: MIT
 * Finds ONNX Runtime's library and its table of functions. */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ort/ort_internal.h"

/* Positions in the table, counted in onnxruntime_c_api.cc. */
#define IS_AT(member, place) _Static_assert(offsetof(struct ort_api, member) == (place) * sizeof(void *), #member)
IS_AT(get_error_message, 2);
IS_AT(create_session_from_array, 8);
IS_AT(create_session_options, 10);
IS_AT(set_intra_op_num_threads, 24);
IS_AT(create_tensor_with_data, 49);
IS_AT(get_tensor_mutable_data, 51);
IS_AT(get_tensor_element_type, 60);
IS_AT(get_tensor_type_and_shape, 65);
IS_AT(create_cpu_memory_info, 69);
IS_AT(release_env, 92);
IS_AT(release_value, 96);
IS_AT(release_session_options, 100);
IS_AT(gap101, 101);
#undef IS_AT

#define SO "libonnxruntime.so"
#define PIP "python3*/site-packages/onnxruntime/capi/" SO ".*"

/* Where it may be inside a folder that ONNXRUNTIME names. */
static const char *const in_folder[] = {
	SO, SO ".*", "lib/" SO "*", "capi/" SO ".*", "onnxruntime/capi/" SO ".*", "lib/" PIP
};

/* Where else it may be: a folder from a variable, or "" for the root, and the path below it. Not the current folder:
 * its owner's code would run here. */
static const struct {
	const char *variable, *pattern;
} places[] = {
	{ "VIRTUAL_ENV", "lib/" PIP },  { "CONDA_PREFIX", "lib/" SO "*" },
	{ "CONDA_PREFIX", "lib/" PIP }, { "", "usr/local/lib/" SO "*" },
	{ "", "usr/lib/*/" SO ".*" },   { "", "usr/lib64/" SO ".*" },
	{ "HOME", ".local/lib/" PIP },  { "", "usr/local/lib/python3*/dist-packages/onnxruntime/capi/" SO ".*" },
	{ "", "usr/local/lib/" PIP },
};

/* Opens the file. 1; 0: it cannot be opened, and err says why. */
static int open_file(struct ort_library *lib, const char *path, struct err *err)
{
	lib->so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib->so) {
		err_fail(err, "cannot load '%s': %s", path, dlerror());
		return 0;
	}
	snprintf(lib->path, sizeof lib->path, "%s", path);
	return 1;
}

/* Opens the last of the files folder/pattern that can be opened, which is usually the newest version. 0: none; if there
 * are such files, err says why. */
static int open_pattern(struct ort_library *lib, const char *folder, const char *pattern, struct err *err)
{
	char full[4096];
	int found = 0;
	glob_t g;

	if (snprintf(full, sizeof full, "%s/%s", folder, pattern) >= (int)sizeof full || glob(full, 0, NULL, &g) != 0)
		return 0;
	for (size_t i = g.gl_pathc; i-- > 0 && !found;)
		found = open_file(lib, g.gl_pathv[i], err);
	globfree(&g);
	return found;
}

static int open_named(struct ort_library *lib, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return open_file(lib, path, err) ? 0 : err_prefix(err, "ONNXRUNTIME: ");
	err->text[0] = '\0';
	for (size_t i = 0; i < sizeof in_folder / sizeof *in_folder; i++)
		if (open_pattern(lib, path, in_folder[i], err))
			return 0;
	return err->text[0] ? err_prefix(err, "ONNXRUNTIME: ") : err_fail(err, "ONNXRUNTIME: '%s' has no " SO, path);
}

static int open_anywhere(struct ort_library *lib, struct err *err)
{
	static const char *const names[] = { SO ".1", SO };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (open_file(lib, names[i], err))
			return 0;
	err->text[0] = '\0'; /* that the system has none is not an error yet */
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *folder = *places[i].variable ? getenv(places[i].variable) : "";

		if (folder && open_pattern(lib, folder, places[i].pattern, err))
			return 0;
	}
	if (err->text[0])
		return -1;
	return err_fail(err, "cannot find ONNX Runtime, which runs networks of ONNX: pip install onnxruntime, and set "
			     "ONNXRUNTIME to the folder of its environment, or of " SO);
}

const struct ort_library *ort_load(struct err *err)
{
	static struct ort_library lib;
	const char *named = getenv("ONNXRUNTIME");
	const struct ort_api_base *(*get)(void);
	const struct ort_api_base *base;

	if (lib.api)
		return &lib;
	if (!lib.so && (named && *named ? open_named(&lib, named, err) : open_anywhere(&lib, err)) < 0)
		return NULL;
	*(void **)&get = dlsym(lib.so, "OrtGetApiBase");
	base = get ? get() : NULL;
	if (!base)
		err_fail(err, "'%s' is not ONNX Runtime: it has no OrtGetApiBase", lib.path);
	else if (!(lib.api = base->get_api(ORT_API_VERSION)))
		err_fail(err, "'%s', ONNX Runtime %s, has no API of version %d", lib.path, base->get_version(),
			 ORT_API_VERSION);
	return lib.api ? &lib : NULL;
}
