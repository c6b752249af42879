/* SPDX-License-Identifier: MIT
 *
 * arr: arrays in the files of other programs: NumPy's .npy and .npz, safetensors, Parquet, and tables of text. Arrays
 * keep their own type, and elements are returned without loss of digits.
 *
 *	struct arr_set s = { 0 };
 *	if (arr_read(&s, path, &err) < 0) ...
 *	const struct arr *a = arr_find(&s, "features");
 *	double v = arr_number(a, 3);		// the fourth element, the last index running fastest
 *	arr_set_release(&s);
 *
 * A table's columns are arrays (rows), of doubles if all cells are numbers, otherwise of text; a column called name,
 * path and the like is text in any case. Adjacent columns NAME.0, NAME.1, ... form one array (rows, columns). So do
 * NAME[0], ...; NAME0, ... and NAME_0, ... if NAME means features or logits or there are at least 8; and 0, 1, ...
 * without a name. The first line names the columns, unless it holds only numbers: then all columns are one array, named
 * after the file. Separators are found as in ts_cell.h.
 *
 * A Parquet file's columns are arrays: numbers (rows), lists of as many numbers in each row (rows, numbers), text.
 * Others (nulls, rows of different lengths, structs, lists of lists, dates; encodings and compressions that are not
 * read) are arrays of an unsupported type. Columns of numbers NAME0, NAME1, ... form one array as those of a table do.
 *
 * Memory: the files, plus the unpacked contents of an .npz, Parquet or a table.
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
	ARR_UCS4,    /* NumPy's U: code points of four bytes, padded with zeros */
	ARR_BYTES,   /* NumPy's S: bytes, padded with zeros */
	ARR_STRINGS, /* of a table or Parquet */
	ARR_OTHER    /* an unsupported type */
};

struct arr {
	char *name;
	char type[16]; /* as its file spells it: "<f4", "BF16", "text" */
	enum arr_kind kind;
	size_t size;  /* bytes of an element */
	bool swapped; /* the most significant byte comes first */
	bool fortran; /* the first index runs fastest */
	bool decimal; /* read from text, so it has decimal digits, not those of binary numbers */
	int ndim;
	size_t shape[TS_MAX_DIMS];
	const unsigned char *data; /* borrowed from the set */
	char *const *strings;      /* ARR_STRINGS: its elements, borrowed */
	const char *why;           /* NULL, or why this is ARR_OTHER: "row 3 is null"; borrowed */
	size_t odd;                /* for text in a table that also has numbers: the first line without a number; 0:
				    * none */
};

/* The role of an array in a stream. */
enum arr_role { ARR_FEATURES, ARR_LOGITS, ARR_LABEL, ARR_NAME, ARR_PRED, ARR_ROLES };

struct arr_set {
	struct arr *a;
	size_t n;
	void **blocks; /* memory that the arrays are in */
	size_t n_blocks;
};

/* Adds the arrays of the file at path; "-" is standard input. The array of a .npy is named after its file, up to the
 * last dot. -1 with a line in err that names the file: what it is instead, how it is damaged, or a name that is already
 * in the set. */
int arr_read(struct arr_set *s, const char *path, struct err *err) TS_CHECKED;
/* The same for the n bytes of a file, malloc'ed, of which it always takes ownership. */
int arr_read_bytes_take(struct arr_set *s, const char *path, unsigned char *p, size_t n, struct err *err) TS_CHECKED;
void arr_set_release(struct arr_set *s);
/* The array called name, borrowed, or NULL. */
const struct arr *arr_find(const struct arr_set *s, const char *name);

bool arr_is_number(const struct arr *a);
bool arr_is_text(const struct arr *a);
/* The number of elements; and the number per row, which spans all indices after the first (1 for a vector). */
size_t arr_count(const struct arr *a);
size_t arr_row(const struct arr *a);
/* "<f4 (1000, 512)", or "text (3,), because line 3 is not a number", or "<f4 (7,), because row 3 is null", in buf of
 * ARR_TEXT bytes, which is returned. */
enum { ARR_TEXT = 256 };
const char *arr_describe(const struct arr *a, char *buf);

/* Element i of an array of numbers as a double; whole numbers beyond 2^53 are rounded. */
double arr_number(const struct arr *a, size_t i);
/* The same as a whole number. False: it is not one, or needs more than 64 bits. */
bool arr_whole(const struct arr *a, size_t i, int64_t *ret);
/* Element i of an array of text, in UTF-8, in buf of arr_string_size() bytes. NULL with err: not valid text. */
const char *arr_string(const struct arr *a, size_t i, char *buf, struct err *err);
size_t arr_string_size(const struct arr *a);

#ifdef __cplusplus
}
#endif
#endif
