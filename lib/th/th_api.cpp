// SPDX-License-Identifier: MIT
// The only symbol of the seam: its table of functions; each file fills in its own.
#include "th/th_seam.hpp"

static struct th_api fill()
{
	struct th_api a = {};

	a.abi = TH_ABI;
	th_fill_operations(&a);
	th_fill_lanes(&a);
	th_fill_ranks(&a);
	return a;
}

extern "C" __attribute__((visibility("default"))) const struct th_api *th_get_api(void)
{
	static const struct th_api api = fill();

	return &api;
}
