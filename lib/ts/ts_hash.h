/* SPDX-License-Identifier: MIT
 *
 * ts_hash: XXH3 with this processor's widest vectors, where libxxhash can choose them at run time. Its plain functions
 * are compiled for the oldest processor that a distribution supports, and take three times as long for a checkpoint.
 * The hashes are the same.
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
