/* SPDX-License-Identifier: MIT
 * The kernels. Included by nn_kernel.c for each instruction set, with VL floats a vector, ROWS rows a tile
 * and NAME() for the functions' names. */

#define NV (NN_PANEL / VL)
#define vec NAME(vec)
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * VL)));
typedef float NAME(anywhere) __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int NAME(bits) __attribute__((vector_size(4 * VL)));

INLINE vec NAME(load)(const float *p)
{
	return *(const NAME(anywhere) *)p;
}

INLINE void NAME(store)(float *p, vec v)
{
	*(NAME(anywhere) *)p = v;
}

/* Stores the first n numbers only. */
INLINE void NAME(store_n)(float *p, vec v, size_t n)
{
	if (n >= VL)
		NAME(store)(p, v);
	else
		for (size_t i = 0; i < n; i++)
			p[i] = v[i];
}

/* Not what is not a number: that it stays. */
INLINE vec NAME(relu)(vec v)
{
	return (vec)((NAME(bits))v & ~(NAME(bits))(v < 0));
}

INLINE vec NAME(larger)(vec x, vec y)
{
	const NAME(bits) less = (NAME(bits))(x < y);

	return (vec)(((NAME(bits))y & less) | ((NAME(bits))x & ~less));
}

/* ---- rows times matrix ---- */

/* acc += rows times w, over n_seg pieces, numbers from..from+len of each. */
INLINE void NAME(multiply)(vec acc[ROWS][NV], const float *const *row, size_t n_seg, size_t from,
			   size_t len, const float *w)
{
	for (size_t s = 0; s < n_seg; s++, row += ROWS) {
		const float *a[ROWS];

		for (int r = 0; r < ROWS; r++)
			a[r] = row[r] + from;
		for (size_t k = 0; k < len; k++, w += NN_PANEL) {
			vec b[NV];

			for (int v = 0; v < NV; v++)
				b[v] = NAME(load)(w + v * VL);
			for (int r = 0; r < ROWS; r++)
				for (int v = 0; v < NV; v++)
					acc[r][v] += a[r][k] * b[v];
		}
	}
}

/* Writes one tile: rows below n, outputs j..j+m. */
INLINE void NAME(finish)(const struct nn_block *b, vec acc[ROWS][NV], size_t i, size_t n, size_t j,
			 size_t m, bool last)
{
	for (size_t r = 0; r < ROWS; r++) {
		if (r >= n)
			continue;             /* no break: the loop is to unroll, acc to stay in registers */
		for (size_t v = 0; v < NV; v++) {
			const size_t at = j + v * VL, left = m > v * VL ? m - v * VL : 0;
			vec x = acc[r][v];

			if (last && b->bias)
				x += NAME(load)(b->bias + at);
			if (last && b->add && left >= VL)
				x += NAME(load)(b->add + (i + r) * b->add_stride + at);
			else if (last && b->add)
				for (size_t k = 0; k < left; k++)
					x[k] += b->add[(i + r) * b->add_stride + at + k];
			if (last && b->relu)
				x = NAME(relu)(x);
			NAME(store_n)(b->out + (i + r) * b->out_stride + at, x, left);
		}
	}
}

/* The partial sums that are in the tile's place. */
INLINE void NAME(resume)(const struct nn_block *b, vec acc[ROWS][NV], size_t i, size_t n, size_t j,
			 size_t m)
{
	for (size_t r = 0; r < ROWS; r++)
		for (size_t v = 0; v < NV; v++) {
			const float *from = b->out + (i + r) * b->out_stride + j + v * VL;
			const size_t left = r >= n ? 0 : m > v * VL ? m - v * VL : 0;

			acc[r][v] = (vec){ 0 };
			if (left >= VL)
				acc[r][v] = NAME(load)(from);
			else
				for (size_t k = 0; k < left; k++)
					acc[r][v][k] = from[k];
		}
}

/* All tiles and panels over one range of k: a panel's part stays in the first cache, rows in the second. */
INLINE void NAME(range)(const struct nn_block *b, size_t seg, size_t n_seg, size_t from, size_t len,
			bool first, bool last)
{
	const size_t depth = b->n_seg * b->len;

	for (size_t j = 0; j < b->m; j += NN_PANEL) {
		const float *w = b->w + (j * depth) + (seg * b->len + from) * NN_PANEL;
		const size_t m = b->m - j < NN_PANEL ? b->m - j : NN_PANEL;

		for (size_t i = 0; i < b->n_rows; i += ROWS) {
			const size_t n = b->n_rows - i < ROWS ? b->n_rows - i : ROWS;
			const float *const *row = b->row + (i * b->n_seg) + seg * ROWS;
			vec acc[ROWS][NV];

			if (first)
				for (int r = 0; r < ROWS; r++)
					for (int v = 0; v < NV; v++)
						acc[r][v] = (vec){ 0 };
			else
				NAME(resume)(b, acc, i, n, j, m);
			NAME(multiply)(acc, row, n_seg, from, len, w);
			NAME(finish)(b, acc, i, n, j, m, last);
		}
	}
}

static void NAME(block)(const struct nn_block *b)
{
	const size_t most = NN_DEPTH;

	if (b->len <= most) {
		const size_t group = most / b->len;

		for (size_t s = 0; s < b->n_seg; s += group) {
			const size_t n = b->n_seg - s < group ? b->n_seg - s : group;
			NAME(range)(b, s, n, 0, b->len, s == 0, s + n == b->n_seg);
		}
		return;
	}
	for (size_t s = 0; s < b->n_seg; s++)
		for (size_t k = 0; k < b->len; k += most) {
			const size_t n = b->len - k < most ? b->len - k : most;
			NAME(range)(b, s, 1, k, n, s == 0 && k == 0, s + 1 == b->n_seg && k + n == b->len);
		}
}

/* ---- a pixel at a time ---- */

INLINE vec NAME(pre)(vec x, const struct nn_pre *p, size_t k)
{
	if (p->a)
		x = x * NAME(load)(p->a + k) + NAME(load)(p->b + k);
	return p->relu ? NAME(relu)(x) : x;
}

static void NAME(pack)(const float *const *row, size_t n, size_t c, const struct nn_pre *pre, float *to,
		       size_t to_stride)
{
	const struct nn_pre p = *pre;         /* stores to floats cannot change a copy */

	for (size_t i = 0; i < n; i++) {
		const float *from = row[i];

		for (size_t k = 0; k < c; k += VL)
			NAME(store)(to + i * to_stride + k, NAME(pre)(NAME(load)(from + k), &p, k));
	}
}

static void NAME(scale)(const float *from, size_t c, const struct nn_pre *pre, const float *add, float *to)
{
	for (size_t k = 0; k < c; k += VL) {
		vec x = NAME(pre)(NAME(load)(from + k), pre, k);

		if (add)
			x += NAME(load)(add + k);
		NAME(store_n)(to + k, x, c - k);
	}
}

static void NAME(pool)(const struct nn_window *w, size_t c, const struct nn_pre *pre, float *to)
{
	for (size_t k = 0; k < c; k += VL) {
		vec x = NAME(pre)(NAME(load)(w->pixel[0] + k), pre, k);

		for (size_t i = 1; i < w->n; i++) {
			const vec y = NAME(pre)(NAME(load)(w->pixel[i] + k), pre, k);
			x = w->scale != 0 ? x + y : NAME(larger)(x, y);
		}
		if (w->scale != 0)
			x *= w->scale;
		NAME(store_n)(to + k, x, c - k);
	}
}

/* ---- Winograd's F(4x4, 3x3) (Lavin, Gray, CVPR 2016) ---- */

INLINE void NAME(bt)(vec d[6], vec t[6])
{
	const vec p = d[4] - 4 * d[2], q = d[3] - 4 * d[1], r = d[4] - d[2], s = 2 * (d[3] - d[1]);

	t[0] = 4 * d[0] - 5 * d[2] + d[4];
	t[1] = p + q;
	t[2] = p - q;
	t[3] = r + s;
	t[4] = r - s;
	t[5] = 4 * d[1] - 5 * d[3] + d[5];
}

INLINE void NAME(at)(const vec m[6], vec y[4])
{
	const vec p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];

	y[0] = m[0] + p + r;
	y[1] = q + 2 * s;
	y[2] = p + 4 * r;
	y[3] = q + 8 * s + m[5];
}

static void NAME(wino_in)(const float *const *pixel, size_t c, const struct nn_pre *pre, float *to,
			  size_t step)
{
	for (size_t k = 0; k < c; k += VL) {
		vec t[6][6];

		for (int j = 0; j < 6; j++) {
			vec d[6], u[6];

			for (int i = 0; i < 6; i++)
				d[i] = pixel[i * 6 + j] ? NAME(pre)(NAME(load)(pixel[i * 6 + j] + k), pre, k)
							: (vec){ 0 };
			NAME(bt)(d, u);
			for (int i = 0; i < 6; i++)
				t[i][j] = u[i];
		}
		for (int i = 0; i < 6; i++) {
			vec u[6];

			NAME(bt)(t[i], u);
			for (int j = 0; j < 6; j++)
				NAME(store)(to + (size_t)(i * 6 + j) * step + k, u[j]);
		}
	}
}

static void NAME(wino_out)(const float *from, size_t step, size_t m, const float *bias, bool relu,
			   const float *const *add, float *const *out)
{
	for (size_t k = 0; k < m; k += VL) {
		vec t[4][6];

		for (int j = 0; j < 6; j++) {
			vec d[6], u[4];

			for (int i = 0; i < 6; i++)
				d[i] = NAME(load)(from + (size_t)(i * 6 + j) * step + k);
			NAME(at)(d, u);
			for (int i = 0; i < 4; i++)
				t[i][j] = u[i];
		}
		for (int i = 0; i < 4; i++) {
			vec y[4];

			NAME(at)(t[i], y);
			for (int j = 0; j < 4; j++) {
				vec x = y[j];

				if (!out[i * 4 + j])
					continue;
				if (bias)
					x += NAME(load)(bias + k);
				if (add)
					x += NAME(load)(add[i * 4 + j] + k);
				NAME(store_n)(out[i * 4 + j] + k, relu ? NAME(relu)(x) : x, m - k);
			}
		}
	}
}

static const struct nn_isa NAME(isa) = {
	ISA_NAME, ROWS, NAME(block), NAME(pack), NAME(scale), NAME(pool), NAME(wino_in), NAME(wino_out)
};

#undef NV
#undef vec
#undef INLINE
#undef VL
#undef ROWS
#undef NAME
#undef ISA_NAME
