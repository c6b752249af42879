/* SPDX-License-Identifier: MIT
 * Runs of small numbers: levels, and indices into a dictionary. */
#include "parquet/parquet_internal.h"

static bool begin_run(struct parquet_runs *r)
{
	const uint64_t head = thrift_varint(&r->t), bytes = (r->width + 7) / 8;
	const size_t there = (size_t)(r->t.end - r->t.p);

	r->packed = head & 1;
	r->left = r->packed ? (head >> 1) * 8 : head >> 1;
	if (r->t.bad || r->left == 0)
		return false;
	if (r->packed) {
		/* Numbers of no bits take no bytes. The last run may end with the byte of its last number. */
		const uint64_t want = !r->width ? 0 : head >> 1 > there ? there + 1 : (head >> 1) * r->width;

		r->at = r->t.p;
		r->bit = 0;
		if (want > there)
			r->left = (uint64_t)there * 8 / r->width;
		r->t.p += want > there ? there : want;
		return r->left > 0;
	}
	if (bytes > there)
		return false;
	r->value = 0;
	for (uint64_t i = 0; i < bytes; i++)
		r->value |= (uint32_t)r->t.p[i] << (8 * i);
	r->t.p += bytes;
	return true;
}

bool parquet_run_next(struct parquet_runs *r, uint32_t *v)
{
	if (r->left == 0 && !begin_run(r))
		return false;
	r->left--;
	if (r->packed) {
		r->value = 0;
		for (unsigned i = 0; i < r->width; i++, r->bit++)
			r->value |= (uint32_t)(r->at[r->bit / 8] >> (r->bit % 8) & 1) << i;
	}
	*v = r->value;
	return true;
}
