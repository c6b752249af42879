/* SPDX-License-Identifier: MIT
 * NumPy's arrays. A .npy file is "\x93NUMPY", a version (2 bytes), the length of the header (2 bytes, or 4 from version
 * 2 on), the header, and the elements. The header is a Python dictionary of three keys, which NumPy always writes in
 * the same form: {'descr': '|u1', 'fortran_order': False, 'shape': (2, 3072), } */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/format/ds_array.h"
#include "ds/ds_internal.h"

/* Bytes of an element with a dtype such as "u1", "|u1", "<f8", or of text: "<U5", "|S5"; 0: neither a number of 1, 2, 4
 * or 8 bytes nor text. */
static size_t element(const char *dtype)
{
	const char *kind = dtype + (*dtype && strchr("<>|=", *dtype) != NULL);
	char *end;
	size_t n;

	if (!*kind || !strchr("uifbUS", *kind) || !isdigit((unsigned char)kind[1]))
		return 0;
	n = strtoul(kind + 1, &end, 10);
	if (*end)
		return 0;
	if (*kind == 'U' || *kind == 'S')
		return *kind == 'U' ? 4 * n : n;
	return n == 1 || n == 2 || n == 4 || n == 8 ? n : 0;
}

/* What follows 'key': in the header, after blanks; NULL: there is no such key. */
static const char *find(const char *head, const char *key)
{
	char quoted[32];
	const char *at;

	snprintf(quoted, sizeof quoted, "'%s':", key);
	at = strstr(head, quoted);
	return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

/* False: not in NumPy's form, or more than 4 dimensions. The type of records, which is a list, becomes "other", and so
 * does one that is too long. */
static bool parse(const char *head, struct ds_array *a)
{
	const char *dtype = find(head, "descr"), *order = find(head, "fortran_order"), *shape = find(head, "shape");
	size_t len;

	if (!dtype || !order || !shape || (*dtype != '\'' && *dtype != '[') || *shape++ != '(')
		return false;
	len = *dtype == '[' ? SIZE_MAX : strcspn(++dtype, "'");
	if (len < sizeof a->dtype)
		snprintf(a->dtype, sizeof a->dtype, "%.*s", (int)len, dtype);
	else
		snprintf(a->dtype, sizeof a->dtype, "other");
	a->fortran = strncmp(order, "True", 4) == 0;
	for (a->ndim = 0; *shape != ')'; a->ndim++) {
		char *end;
		unsigned long long v = strtoull(shape, &end, 10);

		if (end == shape || a->ndim == 4 || *shape == '-')
			return false;
		a->shape[a->ndim] = (size_t)v;
		shape = end + strspn(end, ", ");
	}
	return true;
}

size_t ds_array_element(const struct ds_array *a)
{
	return element(a->dtype);
}

int ds_array_npy(const void *bytes, size_t n, struct ds_array *a, struct err *err)
{
	const unsigned char *p = bytes;
	size_t wide, len, size;
	char head[1024];

	*a = (struct ds_array){ .data = p };
	if (n < 12 || memcmp(p, "\x93NUMPY", 6) != 0 || p[6] < 1 || p[6] > 3)
		return err_fail(err, "not a NumPy array");
	wide = p[6] == 1 ? 2 : 4;
	len = p[8] | (size_t)p[9] << 8;
	if (wide == 4)
		len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
	if (len > n - 8 - wide)
		return err_fail(err, "NumPy array that is cut off");
	if (len >= sizeof head)
		return err_fail(err, "NumPy array with a head of %zu bytes; at most %zu are read", len,
				sizeof head - 1);
	memcpy(head, p + 8 + wide, len);
	head[len] = '\0';
	*a = (struct ds_array){ .data = p + 8 + wide + len };
	if (!parse(head, a))
		return err_fail(err, "NumPy array with a damaged head");
	if (!(size = element(a->dtype))) {
		a->data = NULL;
		return err_fail(err, "NumPy array of unknown elements '%s'", a->dtype);
	}
	for (int i = 0; i < a->ndim; i++)
		if (__builtin_mul_overflow(size, a->shape[i], &size))
			return err_fail(err, "NumPy array of impossible size");
	if (size != n - 8 - wide - len)
		return err_fail(err, "NumPy array of %zu bytes, but its header says %zu: cut off, or damaged",
				n - 8 - wide - len, size);
	return 0;
}

bool ds_array_pickled(const struct pickle_value *v, struct ds_array *a)
{
	if (!v || v->type != PICKLE_ARRAY)
		return false;
	*a = (struct ds_array){ .ndim = v->ndim, .fortran = v->fortran, .data = (const unsigned char *)v->s };
	memcpy(a->dtype, v->dtype, sizeof a->dtype);
	for (int i = 0; i < v->ndim; i++)
		a->shape[i] = (size_t)v->shape[i];
	return true;
}

size_t ds_array_labels(const struct ds_array *a)
{
	return a->ndim == 1 || (a->ndim == 2 && a->shape[1] == 1) ? a->shape[0] : 0;
}

/* dtype is an optional byte order, a kind and a size in bytes: "u1", "|u1", "<i8". */
int ds_array_label(const struct ds_array *a, size_t i, int64_t *ret, struct err *err)
{
	const size_t size = element(a->dtype);
	const char kind = a->dtype[0] == 'u' || a->dtype[0] == 'i' ? a->dtype[0] : a->dtype[1];
	uint64_t v = 0;

	if (i >= ds_array_labels(a))
		return err_fail(err, "row %zu has no label", i);
	if (!size || a->dtype[0] == '>' || (kind != 'u' && kind != 'i'))
		return err_fail(err, "labels are of NumPy's type '%s', which is not read; write them as '<i8'",
				a->dtype);
	for (size_t k = size; k-- > 0;)
		v = v << 8 | a->data[i * size + k];
	if (kind == 'i' && size < 8 && v >> (8 * size - 1))
		v |= ~(uint64_t)0 << (8 * size); /* negative: the sign fills the bits above */
	if (kind == 'u' && v > INT64_MAX)
		return err_fail(err, "label %llu of row %zu is too large", (unsigned long long)v, i);
	*ret = (int64_t)v;
	return 0;
}

int ds_pickled_label(const struct pickle_value *v, size_t i, int64_t *ret, struct err *err)
{
	struct ds_array a;

	if (ds_array_pickled(v, &a))
		return ds_array_label(&a, i, ret, err);
	if (i >= ds_pickled_labels(v))
		return err_fail(err, "row %zu has no label", i);
	if (v->item[i]->type == PICKLE_LONG)
		return err_fail(err, "the label of row %zu is a number of more than 8 bytes", i);
	if (v->item[i]->type != PICKLE_INT)
		return err_fail(err, "the label of row %zu is not a whole number", i);
	*ret = v->item[i]->i;
	return 0;
}

size_t ds_pickled_labels(const struct pickle_value *v)
{
	struct ds_array a;

	if (ds_array_pickled(v, &a))
		return ds_array_labels(&a);
	return v && v->type == PICKLE_LIST ? v->n : 0;
}

/* ---- images ---- */

bool ds_planes_of(const struct ds_array *a, struct ds_planes *m)
{
	size_t side = 1;

	if (a->ndim != 2 || (strcmp(a->dtype, "u1") != 0 && strcmp(a->dtype, "|u1") != 0))
		return false;
	while (3 * side * side < a->shape[1] && side < 1024)
		side++;
	m->data = a->data;
	m->n = a->shape[0];
	m->side = side;
	m->step = a->fortran ? a->shape[0] : 1;
	m->next = a->fortran ? 1 : a->shape[1];
	return 3 * side * side == a->shape[1];
}

int ds_planes_decode(const void *planes, size_t at, struct ds_pixels *p, struct err *err)
{
	const struct ds_planes *m = planes;
	const size_t area = m->side * m->side;
	const unsigned char *from;

	if (ds_pixels_row(p, at, m->n, m->side, m->side, err) < 0)
		return -1;
	from = m->data + at * m->next;
	for (size_t i = 0; i < area; i++)
		for (size_t c = 0; c < 3; c++)
			p->rgb[3 * i + c] = from[(area * c + i) * m->step];
	return 0;
}

void ds_planes_free(void *planes)
{
	struct ds_planes *m = planes;

	if (!m)
		return;
	pickle_free(m->pickle);
	ds_bytes_release(&m->own);
	free(m);
}
