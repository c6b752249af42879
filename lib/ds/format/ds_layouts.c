/* SPDX-License-Identifier: MIT
 * All layouts, in the order in which they are offered a file. */
#include "ds/ds_internal.h"

#define ADDRESS(name) [DS_LAYOUT_##name] = &ds_layout_##name,
const struct ds_layout *const ds_layouts[DS_LAYOUTS] = { DS_LAYOUT_LIST(ADDRESS) };

bool ds_formats(size_t i, const char **name, const char **what)
{
	if (i >= DS_LAYOUTS)
		return false;
	*name = ds_layouts[i]->name;
	*what = ds_layouts[i]->what;
	return true;
}
