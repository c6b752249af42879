/* SPDX-License-Identifier: MIT
 *
 * ts: tensor streams, the one format that every program reads and writes.
 *
 *   stream  = HEADER BATCH* END                      each a MessagePack map
 *   HEADER  = { "unmask": 1, "kind": str, "fields": { name: FIELD... },
 *               "meta": { key: any... }, "history": [ ENTRY... ] }
 *   FIELD   = { "type": str, "shape": [uint...] }    shape of one row; of the whole tensor in
 *                                                    the tensor kinds ("checkpoint", "fit")
 *   BATCH   = { name: COLUMN... }                    row kinds: every field, n >= 1 rows each
 *                                                    tensor kinds: one field, whole or a slice
 *   COLUMN  = TENSOR | [ str... ]
 *   TENSOR  = { bin"nd": true, bin"type": str, bin"kind": bin"", bin"shape": [uint...],
 *               bin"data": bin }                     what Python's msgpack_numpy writes
 *   ENTRY   = { "id": str, "tool": str, "version": str, "args": [str...], "prev": [str...] }
 *   END     = { "end": true, "rows": uint, "xxh3": bin(8) | nil }
 *
 * Data is little-endian and row-major. "xxh3" is XXH3-64, big-endian, of every byte before END.
 * "rows" counts rows, in the tensor kinds records. The string type is written "str".
 *
 * Rules: EOF before END, a byte after END, a wrong count or checksum, a column that does not match
 * its field: an error that names the file and the byte offset. Declared sizes are checked against
 * the limits below before anything is allocated, and memory grows as bytes arrive.
 *
 * Errors are sticky: a reader or writer that failed stays failed, does nothing more, and its text
 * is ts_reader_error() / ts_writer_error(). So a run of calls needs one check.
 *
 * This library never prints and never exits. Nothing here is thread-safe: objects are independent but
 * for the list of temporaries (ts_remove_temporaries()).
 */
#ifndef TS_H
#define TS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TS_VERSION 1
enum {
	TS_MAX_DIMS = 8,
	TS_MAX_NAME = 255,         /* bytes in the name of a field or key */
	TS_MAX_FIELDS = 1 << 13,   /* fields of a header */
	TS_MAX_META = 1 << 13,     /* keys of meta */
	TS_MAX_HISTORY = 1 << 10,  /* entries of a history */
	TS_MAX_HEADER = 64 << 20,  /* bytes of a header record */
	TS_MAX_BATCH = 64 << 20,   /* bytes of tensor data in a batch that we write */
	TS_MAX_RECORD = 256 << 20, /* bytes of any record that we accept */
	TS_MAX_OBJECTS = 1 << 22,  /* MessagePack objects in one record */
	TS_MAX_DEPTH = 12          /* nesting in one record */
};
#define TS_MAX_TENSOR ((size_t)1 << 36) /* bytes of one whole tensor of a tensor kind */

#define TS_CHECKED __attribute__((warn_unused_result))

/* ---- types, tensors ------------------------------------------------------------------------ */

enum ts_type { TS_U8, TS_I8, TS_BOOL, TS_I32, TS_I64, TS_F16, TS_F32, TS_F64, TS_STR };

/* Bytes of one element; 0 for TS_STR. */
size_t ts_type_size(enum ts_type type);
/* NumPy's type string ("|u1", "<f4", ...; "str" for strings). */
const char *ts_type_name(enum ts_type type);
/* The type with this name, or -1. */
int ts_type_parse(const char *name);

/* Whole numbers: neither floats nor strings. */
bool ts_type_is_integer(enum ts_type type);

/* Element i of an array of this type, as double (<i8 beyond 2^53 is rounded). Not for TS_STR. */
double ts_get(enum ts_type type, const void *data, size_t i);
/* IEEE half floats (<f2): ts_half_get() converts one to a float exactly; ts_half() rounds a float to the nearest half,
 * ties to even. */
float ts_half_get(uint16_t half);
uint16_t ts_half(float v);

/* A named array on the host, row-major. Owns name and data unless a comment says borrowed. */
struct ts_tensor {
	char *name;
	enum ts_type type;
	int ndim;
	size_t shape[TS_MAX_DIMS];
	void *data; /* ts_tensor_bytes() bytes, malloc'ed */
};

/* Product of the shape (1 for a scalar). Cannot overflow for a tensor that ts made. */
size_t ts_tensor_count(const struct ts_tensor *t);
size_t ts_tensor_bytes(const struct ts_tensor *t);
/* A shape for people, "64x3x7x7" or "scalar", in buf of TS_SHAPE bytes, which is returned. */
enum { TS_SHAPE = 192 };
const char *ts_shape_text(int ndim, const size_t *shape, char *buf);
/* Fills *t with a zeroed tensor. -1: out of memory or more than TS_MAX_TENSOR bytes. */
int ts_tensor_init(struct ts_tensor *t, const char *name, enum ts_type type, int ndim, const size_t *shape) TS_CHECKED;
void ts_tensor_release(struct ts_tensor *t);

/* A set of named tensors: the contents of a checkpoint or a fit. */
struct ts_set {
	struct ts_tensor *t;
	size_t n, cap;
};
void ts_set_release(struct ts_set *s);
/* The tensor called name, borrowed, or NULL. */
struct ts_tensor *ts_set_get(const struct ts_set *s, const char *name);
/* Adds a zeroed tensor and returns it, borrowed until the set changes. NULL: out of memory. */
struct ts_tensor *ts_set_add(struct ts_set *s, const char *name, enum ts_type type, int ndim,
			     const size_t *shape) TS_CHECKED;

/* ---- meta: an ordered map of keys to any MessagePack value, kept as its bytes --------------- */

struct ts_entry {
	char *key;
	void *bytes; /* the value, packed */
	size_t len;
};
struct ts_meta {
	struct ts_entry *e;
	size_t n, cap;
};

/* Setters replace the key or append it, and copy what they are given. -1: out of memory. */
int ts_meta_set_str(struct ts_meta *m, const char *key, const char *value) TS_CHECKED;
int ts_meta_set_int(struct ts_meta *m, const char *key, int64_t value) TS_CHECKED;
int ts_meta_set_double(struct ts_meta *m, const char *key, double value) TS_CHECKED;
int ts_meta_set_strs(struct ts_meta *m, const char *key, char *const *values, size_t n) TS_CHECKED;
int ts_meta_set_tensor(struct ts_meta *m, const char *key, const struct ts_tensor *t) TS_CHECKED;
/* Copies every key of src, replacing equal ones. */
int ts_meta_merge(struct ts_meta *dst, const struct ts_meta *src) TS_CHECKED;
void ts_meta_del(struct ts_meta *m, const char *key);
bool ts_meta_has(const struct ts_meta *m, const char *key);
/* Is the value of key the same in both, or absent from both? */
bool ts_meta_same(const struct ts_meta *a, const struct ts_meta *b, const char *key);
/* False if key is in both, with different values. */
bool ts_meta_agree(const struct ts_meta *a, const struct ts_meta *b, const char *key);

/* Getters: 1 found, 0 absent, -1 present but of another type (or out of memory). What they put in *ret is new and
 * belongs to the caller: free() it, ts_strs_free() it, ts_tensor_release() it. Numbers convert between int and double
 * where nothing is lost. */
int ts_meta_get_str(const struct ts_meta *m, const char *key, char **ret) TS_CHECKED;
int ts_meta_get_int(const struct ts_meta *m, const char *key, int64_t *ret) TS_CHECKED;
int ts_meta_get_double(const struct ts_meta *m, const char *key, double *ret) TS_CHECKED;
int ts_meta_get_strs(const struct ts_meta *m, const char *key, char ***ret, size_t *n) TS_CHECKED;
int ts_meta_get_tensor(const struct ts_meta *m, const char *key, struct ts_tensor *ret) TS_CHECKED;
void ts_strs_free(char **strs, size_t n);

/* JSON text of an entry's value (tensors as {"type", "shape"}), of a string, of an element of a tensor (numbers
 * exactly; NaN and infinities as strings). New memory that the caller frees; NULL: out of memory. */
char *ts_entry_json(const struct ts_entry *e);
char *ts_str_json(const char *s);
/* Writes element i as text into buf, at least 32 bytes: digits that read back to the same value. */
void ts_elem_text(enum ts_type type, const void *data, size_t i, char *buf);

/* ---- header -------------------------------------------------------------------------------- */

struct ts_field {
	char *name;
	enum ts_type type;
	int ndim; /* of one row (tensor kinds: of the tensor) */
	size_t shape[TS_MAX_DIMS];
};

/* One step in the making of a file. id = XXH3-64 in hex of tool, version, args and prev; prev = the ids of the last
 * entries of the streams that were read. (A filter writes its header before it has seen the END of its input, so the
 * chain cannot name the input's checksum.) No clock: equal inputs, equal bytes. */
struct ts_step {
	char id[17];
	char *tool, *version;
	char **args, **prev;
	size_t n_args, n_prev;
};

struct ts_header {
	char kind[16]; /* "images", "features", "scores", "fit", "checkpoint" */
	struct ts_field *fields;
	size_t n_fields;
	struct ts_meta meta;
	struct ts_step *history;
	size_t n_history;
};

/* Zeroes *h and sets its kind, which must be one of the five. */
void ts_header_init(struct ts_header *h, const char *kind);
void ts_header_release(struct ts_header *h);
/* Appends a field. shape has ndim entries (NULL if ndim is 0). -1: out of memory; the name is taken, reserved ("end",
 * "unmask") or too long; or the shape overflows. */
int ts_header_add(struct ts_header *h, const char *name, enum ts_type type, int ndim, const size_t *shape) TS_CHECKED;
/* The type that a field of this name has in every stream of rows, one per row: TS_I64 for label, true-label and pred,
 * TS_STR for name; -1: a field of this name may be anything. Streams with others are neither read nor written. */
int ts_usual_type(const char *name);
/* Appends all fields of from. Returns -1 as ts_header_add() does. */
int ts_header_add_all(struct ts_header *h, const struct ts_header *from) TS_CHECKED;
/* The field called name, borrowed, or NULL; and its number or -1: the field's column has this number in every batch of
 * this header. */
const struct ts_field *ts_header_field(const struct ts_header *h, const char *name);
ptrdiff_t ts_header_col(const struct ts_header *h, const char *name);
/* For each field of to: the number of the field in from with the same name, type and shape, or -1. New memory that the
 * caller frees; NULL: out of memory. Computed once per stream, it says which columns are copied row by row. */
ptrdiff_t *ts_header_map(const struct ts_header *to, const struct ts_header *from);
/* True for the kinds whose records are whole tensors: "checkpoint", "fit". */
bool ts_header_is_set(const struct ts_header *h);
/* Appends src's history to h's, without the entries that h already has, so that streams of common descent can be
 * joined. */
int ts_header_chain(struct ts_header *h, const struct ts_header *src) TS_CHECKED;
/* Appends the entry of this program run. prev: the last entry of each of the n inputs, "" of one without a history;
 * NULL inputs are skipped. */
int ts_header_log(struct ts_header *h, const char *tool, const char *version, int argc, char *const *argv,
		  const struct ts_header *const *inputs, size_t n) TS_CHECKED;

/* ---- batch: n rows of every field; reused; buffers grow and never shrink ---------------------- */

struct ts_col {
	char *name;
	enum ts_type type;
	int ndim; /* of one row */
	size_t shape[TS_MAX_DIMS];
	size_t row; /* bytes of one row; 0 for strings */
	void *data; /* (n, shape...), aligned for its type */
	size_t cap;
	size_t *off; /* strings: offsets into text, one per row */
	char *text;
	size_t text_len, text_cap, off_cap;
};
struct ts_batch {
	size_t n;
	struct ts_col *cols;
	size_t n_cols;
};

/* Makes an empty batch with a column for every field of h. -1: out of memory. */
int ts_batch_init(struct ts_batch *b, const struct ts_header *h) TS_CHECKED;
void ts_batch_release(struct ts_batch *b);
/* Sets the number of rows; new rows are zero, new strings empty. Rows that stay keep their values. With n = 0 the batch
 * is as good as new. -1: out of memory. */
int ts_batch_resize(struct ts_batch *b, size_t n) TS_CHECKED;
/* The column called name, borrowed, or NULL. */
struct ts_col *ts_batch_col(const struct ts_batch *b, const char *name);
/* Overwrites rows to..to+n of b, which must exist, with rows i..i+n of src: column k with src's column map[k]
 * (ts_header_map()); a column with -1 keeps its values. ts_batch_append() appends row i of src to b as a new row. -1:
 * out of memory. */
int ts_batch_copy(struct ts_batch *b, size_t to, const struct ts_batch *src, const ptrdiff_t *map, size_t i,
		  size_t n) TS_CHECKED;
int ts_batch_append(struct ts_batch *b, const struct ts_batch *src, const ptrdiff_t *map, size_t i) TS_CHECKED;
/* Bytes of tensor data that one row takes (strings count nothing). */
size_t ts_batch_row_bytes(const struct ts_batch *b);
/* Rows that a batch should hold: at most `rows`, and at most `bytes` of tensor data, at least 1. */
size_t ts_batch_rows(const struct ts_batch *b, size_t rows, size_t bytes);

/* String of row i, borrowed until the column changes. */
const char *ts_col_str(const struct ts_col *c, size_t i);
/* Sets the string of row i < n (copied). -1: out of memory. */
int ts_col_set_str(struct ts_col *c, size_t i, const char *s) TS_CHECKED;

/* ---- reader -------------------------------------------------------------------------------- */

struct ts_reader;

/* Opens a stream. path NULL or "-" is standard input. Returns NULL only when out of memory: any other failure is
 * reported by ts_reader_error(). */
struct ts_reader *ts_reader_open(const char *path);
/* The same over a callback that works like read(2); name is used in messages. */
struct ts_reader *ts_reader_open_fn(ssize_t (*read)(void *ctx, void *buf, size_t len), void *ctx, const char *name);
/* The same over n bytes in memory, borrowed until close. */
struct ts_reader *ts_reader_open_bytes(const void *bytes, size_t n, const char *name);
void ts_reader_close(struct ts_reader *r);
/* The header, borrowed until close; NULL after an error. Reads it on the first call. */
const struct ts_header *ts_reader_header(struct ts_reader *r);
/* The header if its kind is `kind`; otherwise an error that says what was expected. */
const struct ts_header *ts_reader_expect(struct ts_reader *r, const char *kind);
/* Reads the next batch of a row kind into *b, which ts_batch_init() made from this reader's header. 1: got one, 0:
 * clean end (END and checksum were right), -1: error. */
int ts_reader_next(struct ts_reader *r, struct ts_batch *b) TS_CHECKED;
/* Is there anything to read (including an end or an error)? If not, ts_reader_next() would wait; if so, it may still
 * wait for the rest of a record. Over a callback always true. */
bool ts_reader_ready(const struct ts_reader *r);
/* Reads all tensors of a tensor kind, up to END, into *set, which the caller has zeroed. 0, or -1. Holds all of them in
 * memory. */
int ts_reader_set(struct ts_reader *r, struct ts_set *set) TS_CHECKED;
/* The same, and tells of each tensor: begins(), where its bytes will be, if there are many; ends(), that all are there.
 * Its name and values then stay where they are. */
struct ts_set_watch {
	void (*begins)(void *ctx, void *room, size_t bytes);
	void (*ends)(void *ctx, const struct ts_tensor *t);
	void *ctx;
};
int ts_reader_set_watched(struct ts_reader *r, struct ts_set *set, const struct ts_set_watch *w) TS_CHECKED;
/* For a tensor kind: if the next tensor is called `name`, is |u1 and holds a whole stream (from
 * ts_writer_open_bytes()), returns a reader of that stream. It takes its bytes from r as they are needed, so that they
 * are never held twice. Once it has reached its END and is closed, ts_reader_set() reads the tensors that follow. If it
 * fails, r's own error, if there is one, says more. NULL: there is no such tensor, or it is too small to matter, or it
 * is written in a way that only ts_reader_set() understands, or r has failed. */
struct ts_reader *ts_reader_part(struct ts_reader *r, const char *name);
/* Rows (tensor kinds: records) read so far. */
uint64_t ts_reader_rows(const struct ts_reader *r);
/* How many rows it probably has in all, estimated from the file's size and what has been read. 0: unknown, as for a
 * pipe. */
double ts_reader_expected(const struct ts_reader *r);
/* Path, or "<stdin>". */
const char *ts_reader_name(const struct ts_reader *r);
/* One line that names file and byte, without a final full stop; NULL if nothing failed. */
const char *ts_reader_error(const struct ts_reader *r);
/* The program that wrote the stream and failed, if the stream says that this program has already told the user of this
 * pipe why; otherwise NULL. ts_reader_error() mentions it too. */
const char *ts_reader_told(const struct ts_reader *r);
/* Makes the reader fail with this text, for the caller's own checks of the data. The file's name is put in front;
 * naming the row is up to the caller. Returns -1. */
int ts_reader_fail(struct ts_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- writer -------------------------------------------------------------------------------- */

struct ts_writer;

/* Opens a stream for writing. path NULL or "-" is standard output. A file is written under a temporary name in the same
 * folder until ts_writer_finish() renames it, so a file with the final name is always complete. */
struct ts_writer *ts_writer_open(const char *path);
/* The same over a callback that works like write(2). */
struct ts_writer *ts_writer_open_fn(ssize_t (*write)(void *ctx, const void *buf, size_t len), void *ctx,
				    const char *name);
/* The same into memory, complete or not, which the caller frees with free() after ts_writer_close(). */
struct ts_bytes {
	unsigned char *p;
	size_t n, cap;
};
struct ts_writer *ts_writer_open_bytes(struct ts_bytes *to, const char *name);
/* Writes the header. */
int ts_writer_begin(struct ts_writer *w, const struct ts_header *h) TS_CHECKED;
/* Writes the batch's rows (an empty batch writes nothing), in several records if they exceed TS_MAX_BATCH. The columns
 * must be the header's fields. */
int ts_writer_write(struct ts_writer *w, const struct ts_batch *b) TS_CHECKED;
/* Writes one tensor of a tensor kind; the header must have a field with its name, type and shape. */
int ts_writer_tensor(struct ts_writer *w, const struct ts_tensor *t) TS_CHECKED;
/* Sets *finished, which must outlive the writer, once END is written. */
void ts_writer_watch(struct ts_writer *w, bool *finished);
/* Writes to fd, in place of the next record, that this program has failed and has told the user why. */
void ts_tell_failure(int fd, const char *program);
/* Writes END, flushes to disk, renames. The last act of success. */
int ts_writer_finish(struct ts_writer *w) TS_CHECKED;
/* Frees; a file that was not finished is removed. Accepts NULL. */
void ts_writer_close(struct ts_writer *w);
const char *ts_writer_error(const struct ts_writer *w);

/* Removes the temporaries of unfinished files (ts_file.h), up to 16 of them. Async-signal-safe: for handlers of signals
 * that end the program. */
void ts_remove_temporaries(void);

/* Writes header and set: begin, every tensor, finish. Adds the set's fields to *h. save: to a file, atomically. */
int ts_set_write(struct ts_writer *w, struct ts_header *h, const struct ts_set *set, struct err *err) TS_CHECKED;
int ts_set_save(const char *path, struct ts_header *h, const struct ts_set *set, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
