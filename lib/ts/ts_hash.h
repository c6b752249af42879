/* SPDX-License-Identifier: MIT
 *
 * ts_hash: XXH3, by the widest vectors of this processor where libxxhash can choose them as it runs: its plain
 * functions are compiled for the oldest processor of a distribution, and take three times as long for a checkpoint. The
 * numbers are the same.
 */
#ifndef TS_HASH_H
#define TS_HASH_H

#include <xxhash.h>

#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif
#endif

#endif
