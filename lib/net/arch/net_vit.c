/* SPDX-License-Identifier: MIT
 * The Vision Transformer (Dosovitskiy et al., ICLR 2021) with torchvision's names. Squares of `patch` pixels become
 * tokens, preceded by a learnt one, whose last state is the feature. A token lies as a pixel of a map (width, tokens,
 * 1). The learnt embedding of each place fixes the images' size. There is no feature list. */
#include <stdio.h>

#include "net/net.h"

enum { PATCH, WIDTH, DEPTH, HEADS, MLP };

static const double eps = 1e-6;

static int layer(struct net *n, int in, const double *p, int k)
{
	char name[NET_NAME];
	int x;

	net_name(name, "encoder.layers.encoder_layer_%d.ln_1", k);
	x = net_layernorm(n, in, name, eps);
	net_name(name, "encoder.layers.encoder_layer_%d.self_attention", k);
	x = net_pixels_linear_as(n, x, name, "in_proj_weight", "in_proj_bias", 3 * (int)p[WIDTH]);
	x = net_attention(n, x, (int)p[HEADS]);
	net_name(name, "encoder.layers.encoder_layer_%d.self_attention.out_proj", k);
	in = net_add(n, net_pixels_linear(n, x, name, (int)p[WIDTH]), in);
	net_name(name, "encoder.layers.encoder_layer_%d.ln_2", k);
	x = net_layernorm(n, in, name, eps);
	net_name(name, "encoder.layers.encoder_layer_%d.mlp.0", k);
	x = net_act(n, net_pixels_linear(n, x, name, (int)p[MLP]), NET_GELU);
	net_name(name, "encoder.layers.encoder_layer_%d.mlp.3", k);
	return net_add(n, net_pixels_linear(n, x, name, (int)p[WIDTH]), in);
}

static int build(struct net *n, const double *p, struct err *err)
{
	const int patch = (int)p[PATCH];
	int x;

	if (n->h % patch || n->w % patch)
		return err_fail(err, "vit of patches of %dx%d pixels takes images of a multiple of that (%dx%d given)",
				patch, patch, n->h, n->w);
	if ((int)p[WIDTH] % (int)p[HEADS])
		return err_fail(err, "vit: a width of %g is not a multiple of %g heads", p[WIDTH], p[HEADS]);
	if ((n->h / patch) * (n->w / patch) > 16384)
		return err_fail(err, "vit: more than 16384 patches");
	x = net_conv_bias(n, 0, "conv_proj", (int)p[WIDTH], patch, patch, 0);
	x = net_tokens(n, x, "class_token", "encoder.pos_embedding");
	for (int k = 0; k < (int)p[DEPTH] && !n->failed; k++)
		x = layer(n, x, p, k);
	n->feature = net_first(n, net_layernorm(n, x, "encoder.ln", eps));
	n->head = net_linear(n, n->feature, "heads.head", n->classes);
	return 0;
}

/* No shape tells the number of heads: all known networks have 64 channels per head, except the huge one. */
static bool guess(const struct ts_set *state, char *spec)
{
	const size_t *stem = net_shape(state, 4, "conv_proj.weight");
	const size_t *mlp = net_shape(state, 2, "encoder.layers.encoder_layer_0.mlp.0.weight");
	int depth = 0;

	if (!stem || !mlp || !net_shape(state, 3, "class_token") || stem[0] > 8192 || stem[2] > 64 || mlp[0] > 32768)
		return false;
	while (depth < 128 && net_shape(state, 1, "encoder.layers.encoder_layer_%d.ln_1.weight", depth))
		depth++;
	snprintf(spec, NET_SPEC, "vit:patch=%zu,width=%zu,depth=%d,heads=%zu,mlp=%zu", stem[2], stem[0], depth,
		 stem[0] == 1280 ? (size_t)16 :
		 stem[0] < 64    ? (size_t)1 :
				   stem[0] / 64,
		 mlp[0]);
	return true;
}

const struct net_arch net_vit = {
	"vit",
	"Vision Transformer with torchvision's names, ViT-B/16 unless of another width and depth",
	{ [PATCH] = { "patch", 16, 1, 64, true },
	  [WIDTH] = { "width", 768, 1, 8192, true },
	  [DEPTH] = { "depth", 12, 1, 128, true },
	  [HEADS] = { "heads", 12, 1, 256, true },
	  [MLP] = { "mlp", 3072, 1, 32768, true } },
	build,
	guess
};
