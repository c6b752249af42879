/* SPDX-License-Identifier: MIT
 * A tile is 16 rows of 64 bytes. One instruction adds to a tile of floats C (16, 16) the product of A (16, 32) and
 * B (32, 16), both bfloat16, B with the numbers of two rows side by side: (16 pairs of rows, 16, 2). The first
 * processors take 16 cycles for it, and 8 or more to load a tile: so there are four products for every four tiles
 * loaded. */
#include <string.h>

#include "nn/nn.h"
#include "nn/nn_bf16.h"
#include "nn/nn_internal.h"

enum { TILE_NUMBERS = NN_TILE * NN_TILE_DEPTH };

static size_t chunks_of(size_t depth)
{
	return (depth + NN_TILE_DEPTH - 1) / NN_TILE_DEPTH;
}

/* Whole cache lines, an odd number of them, so that rows of a tile do not compete for one set of the first cache. */
size_t nn_bf16_stride(size_t depth)
{
	return (chunks_of(depth) | 1) * NN_TILE_DEPTH;
}

size_t nn_bf16_panel(size_t depth)
{
	return chunks_of(depth) * TILE_NUMBERS / 2;
}

/* Tables of the pixels' d and y, d turned to tiles A, two columns of tiles B. */
struct outer_room {
	const float **d;
	const uint16_t **y;
	uint16_t *a, *b;
};

size_t nn_bf16_outer_room(size_t pixels, size_t m)
{
	const size_t all = nn_round(pixels, NN_TILE_DEPTH);

	return 2 * all * NN_POINTER + (nn_round(m, NN_TILE) + 2 * NN_TILE) * all / 2 + 2 * NN_TILE;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,amx-tile,amx-bf16,avx2,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

/* On Linux a process has to ask before it uses tiles. */
static bool allowed(void)
{
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static bool has_tiles(void)
{
	enum { AVX512_BF16 = 1 << 5, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 }; /* of leaf 7.1 in eax, of 7.0 in edx */
	unsigned a, b, c, d, more, unused;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && __get_cpuid_count(7, 1, &more, &b, &c, &unused) &&
	       d & AMX_TILE && d & AMX_BF16 && more & AVX512_BF16 && allowed();
}

/* Tiles 0 to 3 are sums, C; 4 and 5 are A; 6 and 7 are B. */
static const struct {
	uint8_t palette, start, unused[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
} tiles = { 1,
	    0,
	    { 0 },
	    { 64, 64, 64, 64, 64, 64, 64, 64 },
	    { NN_TILE, NN_TILE, NN_TILE, NN_TILE, NN_TILE, NN_TILE, NN_TILE, NN_TILE } };

static __mmask16 first(size_t n)
{
	if (n >= 16)
		return 0xffff;
	return (__mmask16)((1u << n) - 1);
}

/* GCC does not know that loading a tile reads memory: earlier stores must have happened. */
INLINE void settle(void)
{
	__asm__ volatile("" ::: "memory");
}

/* ---- rows times matrix ---- */

TARGET void nn_bf16_take(const float *from, size_t from_stride, size_t n, size_t c, const struct nn_pre *pre,
			 uint16_t *to, size_t to_stride)
{
	const struct nn_pre p = *pre;

	for (size_t i = 0; i < n; i++, from += from_stride, to += to_stride) {
		for (size_t k = 0; k < c; k += 16) {
			__m512 x = _mm512_loadu_ps(from + k);

			if (p.a)
				x = _mm512_fmadd_ps(x, _mm512_loadu_ps(p.a + k), _mm512_loadu_ps(p.b + k));
			if (p.relu)
				x = _mm512_max_ps(_mm512_setzero_ps(), x); /* for NaN it returns the second operand */
			_mm256_storeu_si256((__m256i *)(void *)(to + k), (__m256i)_mm512_cvtneps_pbh(x));
		}
		for (size_t k = c; k < to_stride; k += 16)
			_mm256_storeu_si256((__m256i *)(void *)(to + k), _mm256_setzero_si256());
	}
}

TARGET void nn_bf16_gather(const uint16_t *from, size_t step, size_t n_seg, size_t len, uint16_t *to, size_t all)
{
	uint16_t *end = to + n_seg * len;

	all -= n_seg * len;
	for (size_t s = 0; s < n_seg; s++, from += step, to += len)
		for (size_t k = 0; k < len; k += 32)
			_mm512_storeu_si512(to + k, _mm512_loadu_si512(from + k));
	if (all > 0)
		_mm512_storeu_si512(end, _mm512_setzero_si512());
}

/* c (R, V tiles) = R tiles of rows times V panels: 2 and 2, or up to 4 and 1, so that there are four independent
 * sums. */
INLINE void multiply(const uint16_t *a, size_t stride, const float *w, size_t panel, size_t chunks, const int R,
		     const int V, float c[4][NN_TILE * NN_TILE])
{
	const size_t bytes = stride * sizeof *a;
	const uint16_t *a1 = a + NN_TILE * stride, *a2 = a1 + NN_TILE * stride, *a3 = a2 + NN_TILE * stride;
	const float *w1 = w + panel;

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t k = 0; k < chunks; k++) {
		_tile_loadd(4, a + k * NN_TILE_DEPTH, bytes);
		_tile_loadd(6, w + k * TILE_NUMBERS / 2, 64);
		_tile_dpbf16ps(0, 4, 6);
		if (V > 1) {
			_tile_loadd(7, w1 + k * TILE_NUMBERS / 2, 64);
			_tile_dpbf16ps(1, 4, 7);
		}
		if (R > 1) {
			_tile_loadd(5, a1 + k * NN_TILE_DEPTH, bytes);
			_tile_dpbf16ps(2, 5, 6);
			if (V > 1)
				_tile_dpbf16ps(3, 5, 7);
		}
		if (R > 2) {
			_tile_loadd(4, a2 + k * NN_TILE_DEPTH, bytes);
			_tile_dpbf16ps(1, 4, 6);
			_tile_loadd(5, a3 + k * NN_TILE_DEPTH, bytes);
			_tile_dpbf16ps(3, 5, 6);
		}
	}
	_tile_stored(0, c[0], 64);
	_tile_stored(1, c[R > 2 ? 2 : 1], 64);
	_tile_stored(2, c[V > 1 ? 2 : 1], 64);
	_tile_stored(3, c[3], 64);
}

/* Writes the results of multiply(): n rows from i, V panels of outputs from j on. */
INLINE void finish(const struct nn_bf16_block *b, size_t i, size_t n, size_t j, const int V,
		   float c[4][NN_TILE * NN_TILE])
{
	for (int v = 0; v < V; v++, j += NN_PANEL) {
		const __mmask16 there = first(b->m - j);
		const __m512 bias = b->bias ? _mm512_maskz_loadu_ps(there, b->bias + j) : _mm512_setzero_ps();

		for (size_t r = 0; r < n; r++) {
			__m512 x = _mm512_loadu_ps(c[r / NN_TILE * (size_t)V + (size_t)v] + r % NN_TILE * NN_TILE);

			x = _mm512_add_ps(x, bias);
			if (b->add)
				x = _mm512_add_ps(x,
						  _mm512_maskz_loadu_ps(there, b->add + (i + r) * b->add_stride + j));
			if (b->relu)
				x = _mm512_max_ps(_mm512_setzero_ps(), x);
			_mm512_mask_storeu_ps(b->out + (i + r) * b->out_stride + j, there, x);
		}
	}
}

/* All rows of V panels from output j on. */
INLINE void columns(const struct nn_bf16_block *b, size_t j, const int V)
{
	const size_t stride = b->stride, chunks = chunks_of(b->depth), panel = nn_bf16_panel(b->depth);
	const float *w = b->w + j / NN_PANEL * panel;
	float c[4][NN_TILE * NN_TILE] __attribute__((aligned(64)));

	for (size_t i = 0, n; i < b->rows; i += n) {
		const uint16_t *a = b->a + i * stride;
		const size_t left = b->rows - i;

		if (V == 1 && left > 2 * NN_TILE)
			multiply(a, stride, w, panel, chunks, 4, 1, c);
		else if (left > NN_TILE)
			multiply(a, stride, w, panel, chunks, 2, V, c);
		else
			multiply(a, stride, w, panel, chunks, 1, V, c);
		n = V == 1 ? 4 * NN_TILE : 2 * NN_TILE;
		n = n < left ? n : left;
		finish(b, i, n, j, V, c);
	}
}

TARGET void nn_bf16_block(const struct nn_bf16_block *b)
{
	settle();
	_tile_loadconfig(&tiles);
	for (size_t j = 0; j < b->m; j += 2 * NN_PANEL)
		if (b->m - j > NN_PANEL)
			columns(b, j, 2);
		else
			columns(b, j, 1);
	_tile_release();
}

/* ---- sums of outer products ---- */

/* Interleaves 16 numbers of one pixel, followed by 16 of another, into pairs. */
INLINE __m512i pairs(__m512i both)
{
	const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
					       6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);

	return _mm512_permutexvar_epi16(order, both);
}

/* The first n of 16 numbers of two pixels, either of which may be missing. */
INLINE __m512i pairs_of_d(const float *even, const float *odd, __mmask16 n)
{
	const __m512 a = even ? _mm512_maskz_loadu_ps(n, even) : _mm512_setzero_ps();
	const __m512 b = odd ? _mm512_maskz_loadu_ps(n, odd) : _mm512_setzero_ps();

	return pairs((__m512i)_mm512_cvtne2ps_pbh(b, a));
}

INLINE __m512i pairs_of_y(const uint16_t *even, const uint16_t *odd, __mmask16 n)
{
	const __m256i a = _mm256_maskz_loadu_epi16(n, even), b = _mm256_maskz_loadu_epi16(n, odd);

	return pairs(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
}

/* v[i], number j to v[j], number i. */
INLINE void transpose(__m512i v[16])
{
	__m512i t[16];

	for (int i = 0; i < 16; i += 2) { /* pairs of rows within 128 bits */
		t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
	}
	for (int i = 0; i < 16; i += 4) { /* fours: v[i + j] has column 4 l + j of rows i..i+3 in part l */
		v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	for (int j = 0; j < 4; j++) { /* parts: a 4x4 transposition of 128 bits each */
		const __m512i a = _mm512_shuffle_i32x4(v[j], v[4 + j], 0x88);
		const __m512i b = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0x88);
		const __m512i c = _mm512_shuffle_i32x4(v[j], v[4 + j], 0xdd);
		const __m512i d = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0xdd);

		t[j] = _mm512_shuffle_i32x4(a, b, 0x88);
		t[8 + j] = _mm512_shuffle_i32x4(a, b, 0xdd);
		t[4 + j] = _mm512_shuffle_i32x4(c, d, 0x88);
		t[12 + j] = _mm512_shuffle_i32x4(c, d, 0xdd);
	}
	for (int i = 0; i < 16; i++)
		v[i] = t[i];
}

/* Lists where the pixels are. After the last, up to a whole tile, d is NULL, so y does not matter. */
static void list_pixels(const struct nn_bf16_outer *o, struct outer_room *r)
{
	size_t n = 0;

	for (size_t image = 0; image < o->images; image++)
		for (size_t i = 0; i < o->rows; i++)
			for (size_t j = 0; j < o->cols; j++, n++) {
				r->d[n] = o->d + n * o->d_step;
				r->y[n] = o->y + image * o->y_image + i * o->y_row + j * o->y_step;
			}
	for (; n % NN_TILE_DEPTH; n++) {
		r->d[n] = NULL;
		r->y[n] = o->y;
	}
}

/* a (tiles of m, chunks of pixels, 16 m, 32 pixels) */
TARGET static void turn_d(const struct nn_bf16_outer *o, const struct outer_room *r, size_t chunks)
{
	for (size_t p = 0; p < chunks; p++)
		for (size_t m = 0; m < o->m; m += NN_TILE) {
			uint16_t *to = r->a + (m / NN_TILE * chunks + p) * TILE_NUMBERS;
			const float *const *d = r->d + p * NN_TILE_DEPTH;
			__m512i v[16];

			for (int i = 0; i < 16; i++)
				v[i] = pairs_of_d(d[2 * i] ? d[2 * i] + m : NULL,
						  d[2 * i + 1] ? d[2 * i + 1] + m : NULL, first(o->m - m));
			transpose(v);
			for (int i = 0; i < 16; i++)
				_mm512_storeu_si512(to + i * NN_TILE_DEPTH, v[i]);
		}
}

/* b (chunks of pixels, V, 16 pairs of pixels, 16, 2): `left` numbers from k on. */
INLINE void take_y(const struct outer_room *r, size_t chunks, size_t k, size_t left, const int V)
{
	const __mmask16 n[2] = { first(left), first(left > 16 ? left - 16 : 0) };
	uint16_t *to = r->b;

	for (size_t p = 0; p < chunks; p++)
		for (int v = 0; v < V; v++)
			for (size_t i = 0; i < NN_TILE; i++, to += NN_TILE_DEPTH) {
				const uint16_t *const *y = r->y + p * NN_TILE_DEPTH + 2 * i;
				const size_t at = k + (size_t)v * NN_TILE;

				_mm512_storeu_si512(to, pairs_of_y(y[0] + at, y[1] + at, n[v]));
			}
}

/* to (R, V tiles) += R rows of tiles of a times b. */
INLINE void add_products(const uint16_t *a, const uint16_t *b, size_t chunks, float *to, size_t stride, const int R,
			 const int V)
{
	const size_t bytes = stride * sizeof *to;
	float *to1 = to + NN_TILE * stride;
	const uint16_t *a1 = a + chunks * TILE_NUMBERS;

	_tile_loadd(0, to, bytes);
	if (V > 1)
		_tile_loadd(1, to + NN_TILE, bytes);
	if (R > 1)
		_tile_loadd(2, to1, bytes);
	if (R > 1 && V > 1)
		_tile_loadd(3, to1 + NN_TILE, bytes);
	for (size_t p = 0; p < chunks; p++) {
		_tile_loadd(4, a + p * TILE_NUMBERS, 64);
		_tile_loadd(6, b + p * (size_t)V * TILE_NUMBERS, 64);
		_tile_dpbf16ps(0, 4, 6);
		if (V > 1) {
			_tile_loadd(7, b + (p * 2 + 1) * TILE_NUMBERS, 64);
			_tile_dpbf16ps(1, 4, 7);
		}
		if (R > 1) {
			_tile_loadd(5, a1 + p * TILE_NUMBERS, 64);
			_tile_dpbf16ps(2, 5, 6);
			if (V > 1)
				_tile_dpbf16ps(3, 5, 7);
		}
	}
	_tile_stored(0, to, bytes);
	if (V > 1)
		_tile_stored(1, to + NN_TILE, bytes);
	if (R > 1)
		_tile_stored(2, to1, bytes);
	if (R > 1 && V > 1)
		_tile_stored(3, to1 + NN_TILE, bytes);
}

/* V tiles of columns, of which `left` columns exist: numbers from y_at on of each pixel, which go to column `at`. */
INLINE void outer_columns(const struct nn_bf16_outer *o, const struct outer_room *r, size_t chunks, size_t y_at,
			  size_t at, size_t left, const int V)
{
	take_y(r, chunks, y_at, left, V);
	settle();
	for (size_t m = 0; m < o->m; m += 2 * NN_TILE) {
		const uint16_t *a = r->a + m / NN_TILE * chunks * TILE_NUMBERS;
		float *to = o->to + m * o->to_stride + at;

		if (o->m - m > NN_TILE)
			add_products(a, r->b, chunks, to, o->to_stride, 2, V);
		else
			add_products(a, r->b, chunks, to, o->to_stride, 1, V);
	}
}

TARGET void nn_bf16_outer(const struct nn_bf16_outer *o)
{
	const size_t all = nn_round(o->images * o->rows * o->cols, NN_TILE_DEPTH), chunks = all / NN_TILE_DEPTH;
	struct outer_room r = { .d = o->room };

	r.y = (const uint16_t **)(void *)(r.d + all);
	r.a = (uint16_t *)(void *)(r.y + all);
	r.b = r.a + nn_round(o->m, NN_TILE) * all;
	list_pixels(o, &r);
	turn_d(o, &r, chunks);
	settle();
	_tile_loadconfig(&tiles);
	for (size_t s = 0; s < o->n_seg; s++)
		for (size_t k = 0; k < o->k; k += 2 * NN_TILE) {
			const size_t left = o->k - k;

			if (left > NN_TILE)
				outer_columns(o, &r, chunks, s * o->y_seg + k, s * o->k + k, left, 2);
			else
				outer_columns(o, &r, chunks, s * o->y_seg + k, s * o->k + k, left, 1);
		}
	_tile_release();
}

#else

static bool has_tiles(void)
{
	return false;
}

void nn_bf16_take(const float *from, size_t from_stride, size_t n, size_t c, const struct nn_pre *pre, uint16_t *to,
		  size_t to_stride)
{
	(void)from, (void)from_stride, (void)n, (void)c, (void)pre, (void)to, (void)to_stride;
}

void nn_bf16_gather(const uint16_t *from, size_t step, size_t n_seg, size_t len, uint16_t *to, size_t all)
{
	(void)from, (void)step, (void)n_seg, (void)len, (void)to, (void)all;
}

void nn_bf16_block(const struct nn_bf16_block *b)
{
	(void)b;
}

void nn_bf16_outer(const struct nn_bf16_outer *o)
{
	(void)o;
}
#endif

int nn_check_bf16(const char *isa, struct err *err)
{
	if (nn_check(isa, err) < 0)
		return -1;
	if (strcmp(nn_isa(isa)->name, "avx512") == 0 && has_tiles())
		return 0;
	return err_fail(err, "precision bf16 needs AMX's products of bfloat16, and this processor (%s) has none",
			nn_isa(isa)->name);
}
