/* SPDX-License-Identifier: MIT
 * fuzz_detector: any bytes as a detector. If it opens, it judges a picture and features, or reports why it cannot. */
#include "file.h"
#include "unmask/unmask.h"

static void judge(struct unmask *u)
{
	static const uint8_t black[3 * 64 * 64];
	struct unmask_image image = { .rgb = black };
	struct unmask_result r;
	float *zeros;
	size_t D;

	unmask_sizes(u, NULL, &image.height, &image.width, &D);
	hold(D > 0 && D < 1 << 24);
	zeros = calloc(unmask_classes(u) + D, sizeof *zeros);
	if (zeros && unmask_features(u, zeros, zeros, 1, &r) < 0)
		hold(unmask_error(u) != NULL);
	if (zeros && unmask_watch(u, 0.5, 1) == 0 && unmask_features(u, zeros, zeros, 1, &r) == 0)
		hold(r.alarm.raised <= 1);
	free(zeros);
	if (image.height > 64 || image.width > 64)
		return;
	if (unmask_images(u, &image, 1, &r) < 0)
		hold(unmask_error(u) != NULL);
	else
		hold(r.class_index < 0 || unmask_class_name(u, (size_t)r.class_index) != NULL);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct unmask *u = unmask_open_memory(data, size, 1);

	if (!u)
		return 0;
	if (unmask_error(u))
		hold(!strchr(unmask_error(u), '\n'));
	else
		judge(u);
	unmask_close(u);
	return 0;
}
