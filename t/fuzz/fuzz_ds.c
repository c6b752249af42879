/* SPDX-License-Identifier: MIT
 * Any bytes as an image and as a pickle. */
#include <stdlib.h>

#include "ds/ds.h"
#include "ds/ds_pickle.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct ds_pixels p = { 0 };
	char err[DS_ERR];

	(void)ds_decode(data, len, &p, err);
	ds_pixels_release(&p);
	ds_pickle_free(ds_pickle_read(data, len, err));
	return 0;
}
