/* SPDX-License-Identifier: MIT
 * WebP, through libwebp: images, and the first frame of an animation. */
#include <errno.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "ds/ds_internal.h"
#include "ds/pixel/ds_decode_internal.h"

bool ds_is_webp(const unsigned char *p, size_t n)
{
	return n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0;
}

/* Decodes an image of the size that c says to these pixels of p. */
static int decode(WebPDecoderConfig *c, const uint8_t *data, size_t len, struct ds_pixels *p, int x, int y,
		  struct err *err)
{
	const size_t stride = (size_t)3 * (size_t)p->w, at = (size_t)y * stride + 3 * (size_t)x;
	VP8StatusCode rc;

	c->output.colorspace = MODE_RGB;
	c->output.is_external_memory = 1;
	c->output.u.RGBA.rgba = p->rgb + at;
	c->output.u.RGBA.stride = (int)stride;
	c->output.u.RGBA.size = stride * (size_t)p->h - at;
	errno = 0;
	rc = WebPDecode(data, len, c);
	if (rc != VP8_STATUS_OK && errno == ENOMEM) /* libwebp may report this as damage */
		return err_memory(err);
	switch (rc) {
	case VP8_STATUS_OK: return 0;
	case VP8_STATUS_OUT_OF_MEMORY: return err_memory(err);
	case VP8_STATUS_NOT_ENOUGH_DATA:
	case VP8_STATUS_SUSPENDED: return err_fail(err, "damaged WebP: file is cut off");
	default: return err_fail(err, "damaged WebP");
	}
}

/* The first frame of an animation, on black where it leaves the canvas free. */
static int decode_first(WebPDecoderConfig *c, const uint8_t *data, size_t len, struct ds_pixels *p, struct err *err)
{
	WebPDemuxer *demux = WebPDemux(&(WebPData){ data, len });
	WebPIterator frame = { 0 };
	int rc = -1;

	if (!demux)
		return err_fail(err, "damaged WebP: an animation that is cut off, or not valid");
	if (!WebPDemuxGetFrame(demux, 1, &frame) ||
	    WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &c->input) != VP8_STATUS_OK ||
	    frame.x_offset < 0 || c->input.width > p->w - frame.x_offset || frame.y_offset < 0 ||
	    c->input.height > p->h - frame.y_offset) {
		err_fail(err, "damaged WebP: an animation without a first frame");
	} else {
		memset(p->rgb, 0, (size_t)3 * (size_t)p->w * (size_t)p->h);
		rc = decode(c, frame.fragment.bytes, frame.fragment.size, p, frame.x_offset, frame.y_offset, err);
	}
	WebPDemuxReleaseIterator(&frame);
	WebPDemuxDelete(demux);
	return rc;
}

int ds_decode_webp(const void *data, size_t len, struct ds_pixels *p, struct err *err)
{
	WebPDecoderConfig c;

	if (!WebPInitDecoderConfig(&c))
		return err_fail(err, "libwebp has another version than this program was built with");
	if (WebPGetFeatures(data, len, &c.input) != VP8_STATUS_OK)
		return err_fail(err, "damaged WebP");
	if (ds_check_size((unsigned long)c.input.height, (unsigned long)c.input.width, err) < 0)
		return -1;
	if (ds_pixels_resize(p, c.input.height, c.input.width, err) < 0)
		return -1;
	return c.input.has_animation ? decode_first(&c, data, len, p, err) : decode(&c, data, len, p, 0, 0, err);
}
