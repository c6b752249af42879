/* SPDX-License-Identifier: MIT
 *
 * ts_room: memory for large arrays that are written whole, weights above all. On first touch the kernel hands out pages
 * of 2 MiB instead of 4 KiB, if it can: the 45 MB of a ResNet-18 take 22 page faults instead of 11,000.
 */
#ifndef TS_ROOM_H
#define TS_ROOM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* n bytes aligned to 64, not zeroed, that free() and realloc() accept. NULL: out of memory. */
void *ts_room(size_t n);

#ifdef __cplusplus
}
#endif
#endif
