/* SPDX-License-Identifier: MIT
 * stub */
#ifndef TB_H
#define TB_H
#include <stddef.h>
#include <stdint.h>
struct tb_writer;
struct tb_writer *tb_open(const char *dir, int64_t first_step, char *err, size_t len);
int tb_scalar(struct tb_writer *w, const char *tag, int64_t step, double value);
int tb_histogram(struct tb_writer *w, const char *tag, int64_t step, const float *v, size_t n);
int tb_flush(struct tb_writer *w);
int tb_close(struct tb_writer *w);
const char *tb_error(const struct tb_writer *w);
#endif
