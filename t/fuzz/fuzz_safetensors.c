/* SPDX-License-Identifier: MIT
 * fuzz_safetensors: any bytes as safetensors. The result is then imported as if it were a network's state, whatever its
 * names and shapes. */
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_import.h"
#include "net/foreign/net_safetensors.h"
#include "file.h"

static void import(struct net_foreign *f)
{
	struct net_import how = { .partial = f->file_size % 2,
				  .keep = f->file_size % 3 ? 0.5 : -1,
				  .no_masks = f->file_size % 5 == 0 };
	struct net_checkpoint c = { 0 };
	struct err err = { 0 };

	if (net_import(&c, &f->state, &how, &err) < 0)
		hold_text(&err);
	else
		hold(c.net && c.state.n == (size_t)c.net->n_params);
	net_checkpoint_release(&c);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct net_foreign f = { .file_size = size };
	struct err err = { 0 };
	size_t bytes = 0;

	if (net_safetensors_read(&f, data, size, &err) == 0) {
		for (size_t i = 0; i < f.state.n; i++)
			bytes += ts_tensor_bytes(&f.state.t[i]);
		hold(bytes <= 8 * size && f.state.n <= TS_MAX_FIELDS);
		import(&f);
	} else {
		hold_text(&err);
	}
	net_foreign_release(&f);
	return 0;
}
