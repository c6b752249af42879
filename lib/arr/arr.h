/* SPDX-License-Identifier: MIT
 *
 * arr: arrays in the files of other programs: NumPy's .npy and .npz, safetensors, and tables of text. What is read
 * keeps its own type, and each element is given as what it is, in no less digits than it has.
 *
 *	struct arr_set s = { 0 };
 *	if (arr_read(&s, path, &err) < 0) ...
 *	const struct arr *a = arr_find(&s, "features");
 *	double v = arr_number(a, 3);		// the fourth element, the last index running fastest
 *	arr_set_release(&s);
 *
 * A table's columns are arrays (rows), of doubles if all cells are numbers, else of text. Columns NAME.0, NAME.1, ...
 * (or NAME[0]; NAME0 and NAME_0 where NAME says features or logits or there are 8 and more; 0, 1, ... alone) side by
 * side are one array (rows, columns). Its first line names the columns, unless it holds numbers alone: then all
 * columns are one array, called after the file. Separators are found as in ts_cell.h.
 *
 * Memory: the files, and once more what an .npz or a table holds.
 */
#ifndef ARR_H
#define ARR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum arr_kind {
	ARR_FLOAT,
	ARR_BFLOAT, /* the upper half of a float */
	ARR_INT,
	ARR_UINT,
	ARR_BOOL,
	ARR_UCS4,    /* NumPy's U: code points of four bytes, zeros behind them */
	ARR_BYTES,   /* NumPy's S: bytes, zeros behind them */
	ARR_STRINGS, /* of a table */
	ARR_OTHER    /* of a type that is not read */
};

struct arr {
	char *name;
	char type[16]; /* in the words of its file: "<f4", "BF16", "text" */
	enum arr_kind kind;
	size_t size;  /* bytes of an element */
	bool swapped; /* the largest byte comes first */
	bool fortran; /* the first index runs fastest */
	bool decimal; /* was read from text, so its digits are not those of binary numbers */
	int ndim;
	size_t shape[TS_MAX_DIMS];
	const unsigned char *data; /* borrowed from the set */
	char *const *strings;      /* ARR_STRINGS: its elements, borrowed */
	size_t odd;                /* of a table's text among numbers: the first line with no number; 0: it has none */
};

/* What an array is to a stream. */
enum arr_role { ARR_FEATURES, ARR_LOGITS, ARR_LABEL, ARR_NAME, ARR_PRED, ARR_ROLES };

struct arr_set {
	struct arr *a;
	size_t n;
	void **blocks; /* what the arrays lie in */
	size_t n_blocks;
};

/* Adds the arrays of the file at path; "-" is standard input. The array of a .npy is called after its file, without
 * what is behind the last dot. -1 with a line in err that names the file: what it is instead, how it is damaged, or a
 * name that is in the set already. */
int arr_read(struct arr_set *s, const char *path, struct err *err) TS_CHECKED;
/* The same of a file's n bytes, malloc'ed, which it takes in any case. */
int arr_read_bytes_take(struct arr_set *s, const char *path, unsigned char *p, size_t n, struct err *err) TS_CHECKED;
void arr_set_release(struct arr_set *s);
/* The array called name, borrowed, or NULL. */
const struct arr *arr_find(const struct arr_set *s, const char *name);

bool arr_is_number(const struct arr *a);
bool arr_is_text(const struct arr *a);
/* Elements; and those of a row, which is all behind the first index (1 for a vector). */
size_t arr_count(const struct arr *a);
size_t arr_row(const struct arr *a);
/* "<f4 (1000, 512)", or "text (3,), as line 3 is no number", in buf of ARR_TEXT bytes, which is returned. */
enum { ARR_TEXT = 256 };
const char *arr_describe(const struct arr *a, char *buf);

/* Element i of numbers as a double; whole numbers beyond 2^53 are rounded. */
double arr_number(const struct arr *a, size_t i);
/* The same as a whole number. False: it is none, or beyond 64 bits. */
bool arr_whole(const struct arr *a, size_t i, int64_t *ret);
/* Element i of text, in UTF-8, in buf of arr_string_size() bytes. NULL with err: it is no text. */
const char *arr_string(const struct arr *a, size_t i, char *buf, struct err *err);
size_t arr_string_size(const struct arr *a);

#ifdef __cplusplus
}
#endif
#endif
