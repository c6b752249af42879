/* SPDX-License-Identifier: MIT
 *
 * ds_letters: the letters for captions of pictures: ASCII, 5 pixels wide and 8 high, the last of them below the
 * baseline.
 */
#ifndef DS_LETTERS_H
#define DS_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DS_LETTER_W = 5, DS_LETTER_H = 8 };

/* Is pixel x, y of this character ink? Anything but printable ASCII is drawn as '?'. */
bool ds_letter(char c, size_t x, size_t y);

#ifdef __cplusplus
}
#endif
#endif
