/* SPDX-License-Identifier: MIT
 * fuzz_checkpoint: any bytes as a checkpoint. If it can be read, it is a complete network, and is written again. Seeds
 * have no checksum, so that changed bytes are parsed. */
#include "file.h"
#include "net/net.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *path = file_path("checkpoint");
	struct net_checkpoint c, again;
	struct err err = { 0 };
	char id[17], other[17];

	file_write(path, data, size);
	if (net_load(&c, path, &err) < 0) {
		hold_text(&err);
		return 0;
	}
	hold(c.state.n == (size_t)c.net->n_params && net_identity(&c, id) == 0);
	path = file_path("again");
	hold(net_save(&c, path, &err) == 0 && net_load(&again, path, &err) == 0);
	hold(net_identity(&again, other) == 0 && strcmp(id, other) == 0 && again.extra.n == c.extra.n);
	net_checkpoint_release(&c);
	net_checkpoint_release(&again);
	return 0;
}
