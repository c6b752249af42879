/* SPDX-License-Identifier: MIT
 * fuzz_fit: any bytes as a fit, and as thresholds. Every method can use a fit that was read, or refuse it. Seeds have
 * no checksum, so that changed bytes are parsed. */
#include "file.h"
#include "ood/act/ood_threshold.h"
#include "ood/fit/ood_fit.h"

static volatile double sink; /* what was read is used */

static void walk(struct ood_fit *f)
{
	struct err err = { 0 };
	double p;

	for (size_t i = 0; i < f->set.n; i++)
		for (size_t k = 0; k < ts_tensor_count(&f->set.t[i]); k++)
			sink += ts_get(f->set.t[i].type, f->set.t[i].data, k);
	for (size_t i = 0; i < f->bank.n; i++) {
		hold(f->bank.label[i] >= -1 && f->bank.label[i] < (int64_t)f->classes);
		sink += (f->logits ? (double)f->bank.logits[i * f->classes] : 0) + (double)f->bank.key[i];
	}
	if (f->bank.n && ood_bank_percentile(f, 50, &p, &err) < 0)
		hold_text(&err);
}

/* Like ood-fit --merge with the same file twice. */
static void merge(struct ood_fit *f, const char *path)
{
	struct ood_fit *other;
	struct err err = { 0 };

	hold(ood_fit_load(&other, path, &err) == 0);
	if (ood_fit_merge(f, other, &err) < 0)
		hold_text(&err);
	ood_fit_free(other);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *path = file_path("fit");
	struct ood_threshold t;
	struct ood_fit *f;
	struct err err = { 0 };

	file_write(path, data, size);
	if (ood_fit_load(&f, path, &err) < 0) {
		hold_text(&err);
	} else {
		walk(f);
		merge(f, path);
		ood_fit_free(f);
	}
	err.text[0] = '\0';
	if (ood_threshold_load(&t, path, &err) < 0)
		hold_text(&err);
	for (size_t i = 0; i < t.set.n; i++)
		sink += t.set.t[i].ndim ? (double)t.set.t[i].shape[0] : 0;
	ood_threshold_release(&t);
	return 0;
}
