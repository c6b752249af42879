/* SPDX-License-Identifier: MIT
 * The library, once it is open. */
#ifndef ORT_INTERNAL_H
#define ORT_INTERNAL_H

#include "ort/ort.h"
#include "ort/ort_abi.h"

struct ort_library {
	void *so;
	char path[4096];
	const struct ort_api *api;
};

/* Opens it, once per process. NULL with a line in err. */
const struct ort_library *ort_load(struct err *err);

#endif
