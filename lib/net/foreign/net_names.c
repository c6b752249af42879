/* SPDX-License-Identifier: MIT
 * Names in other programs: wrappers, dialects, prefixes. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_names.h"

/* ---- names of a whole state ---- */

static int compare_names(const void *a, const void *b)
{
	const struct ts_tensor *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

/* Pointers to the tensors, sorted by name. NULL: out of memory. */
static const struct ts_tensor **sort(const struct ts_set *s)
{
	const struct ts_tensor **p = malloc((s->n + 1) * sizeof *p);

	for (size_t i = 0; p && i < s->n; i++)
		p[i] = &s->t[i];
	if (p)
		qsort(p, s->n, sizeof *p, compare_names);
	return p;
}

static int check_distinct(const struct ts_set *s, const char *how, struct err *err)
{
	const struct ts_tensor **p = sort(s);
	int rc = p ? 0 : err_memory(err);

	for (size_t i = 0; rc == 0 && i + 1 < s->n; i++)
		if (strcmp(p[i]->name, p[i + 1]->name) == 0)
			rc = err_fail(err, "two tensors are called '" ERR_NAME "' %s", p[i]->name, how);
	free(p);
	return rc;
}

/* Finds `what` at the start or after a dot, with something following it. NULL: not found. */
static char *find(char *name, const char *what)
{
	char *at = name;

	while ((at = strstr(at, what)) != NULL && at > name && at[-1] != '.')
		at++;
	return at && at[strlen(what)] ? at : NULL;
}

int net_names_unwrap(struct ts_set *s, struct err *err)
{
	static const char *const wrappers[] = { "module.", "_orig_mod.", "_fsdp_wrapped_module.",
						"_checkpoint_wrapped_module." };
	char *at;

	for (size_t i = 0; i < s->n; i++)
		for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++)
			while ((at = find(s->t[i].name, wrappers[w])) != NULL)
				memmove(at, at + strlen(wrappers[w]), strlen(at + strlen(wrappers[w])) + 1);
	return check_distinct(s, "without 'module.'", err);
}

int net_names_replace(struct ts_set *s, const char *rule, struct err *err)
{
	const char *equals = strchr(rule, '=');
	char from[NET_FOREIGN_NAME], *at;
	size_t hits = 0;

	if (!equals || equals == rule || equals - rule > TS_MAX_NAME)
		return err_fail(err,
				"--rename takes FROM=TO, such as 'encoder.=' or 'head.linear=fc', not '" ERR_NAME "'",
				rule);
	snprintf(from, sizeof from, "%.*s", (int)(equals - rule), rule);
	for (size_t i = 0; i < s->n; i++) {
		char *name = s->t[i].name, buf[NET_FOREIGN_NAME];

		if (!(at = find(name, from)))
			continue;
		hits++;
		if (snprintf(buf, sizeof buf, "%.*s%s%s", (int)(at - name), name, equals + 1, at + strlen(from)) >=
		    (int)sizeof buf)
			return err_fail(err, "--rename " ERR_NAME " makes '" ERR_NAME "' longer than %d bytes", rule,
					name, TS_MAX_NAME);
		if (!(at = strdup(buf)))
			return err_memory(err);
		free(name);
		s->t[i].name = at;
	}
	if (!hits)
		return err_fail(err,
				"--rename " ERR_NAME ": no tensor's name has '" ERR_NAME
				"' in front or behind a dot; the first is "
				"'" ERR_NAME "'",
				rule, from, s->n ? s->t[0].name : "");
	snprintf(from, sizeof from, "with --rename " ERR_NAME "", rule);
	return check_distinct(s, from, err);
}

/* For "x.query.weight", finds the tensor "x.key.weight" of the same type and shape. */
static struct ts_tensor *sibling(const struct ts_set *s, const struct ts_tensor *query, size_t at, const char *what)
{
	char name[NET_FOREIGN_NAME];
	struct ts_tensor *t;

	snprintf(name, sizeof name, "%.*s%s%s", (int)at, query->name, what, query->name + at + strlen("query"));
	t = ts_set_get(s, name);
	return t && t->type == query->type && t->ndim == query->ndim &&
			       memcmp(t->shape, query->shape, (size_t)t->ndim * sizeof *t->shape) == 0 ?
		       t :
		       NULL;
}

static void drop(struct ts_set *s, struct ts_tensor *t)
{
	free(t->name);
	free(t->data);
	memmove(t, t + 1, (size_t)(s->t + s->n - (t + 1)) * sizeof *t);
	s->n--;
}

int net_names_join(struct ts_set *s, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		struct ts_tensor *q = &s->t[i], *k, *v;
		const char *word = strstr(q->name, ".query.");
		const size_t at = word ? (size_t)(word + 1 - q->name) : 0, bytes = ts_tensor_bytes(q);
		char name[NET_FOREIGN_NAME], *data, *own;

		if (!word || q->ndim < 1 || !(k = sibling(s, q, at, "key")) || !(v = sibling(s, q, at, "value")))
			continue;
		snprintf(name, sizeof name, "%.*sqkv%s", (int)at, q->name, word + strlen(".query"));
		if (!(own = strdup(name)) || !(data = realloc(q->data, 3 * bytes + !bytes))) {
			free(own);
			return err_memory(err);
		}
		memcpy(data + bytes, k->data, bytes);
		memcpy(data + 2 * bytes, v->data, bytes);
		free(q->name);
		q->name = own;
		q->data = data;
		q->shape[0] *= 3;
		i -= (size_t)(k < q) + (size_t)(v < q); /* where q is once these are gone */
		drop(s, k > v ? k : v);
		drop(s, k > v ? v : k);
	}
	return 0;
}

/* ---- dialects ---- */

const struct net_dialect net_dialects[] = {
	{ "", { { NULL, NULL } } },
	{ "", { { "downsample.", "shortcut." } } },
	{ "", { { "shortcut.", "downsample." } } },
	{ "HuggingFace's",
	  { { "^embedder.embedder.convolution.", "conv1." },
	    { "^embedder.embedder.normalization.", "bn1." },
	    { "^encoder.stages.#.layers.#.shortcut.convolution.", "layer%1+1.%2.downsample.0." },
	    { "^encoder.stages.#.layers.#.shortcut.normalization.", "layer%1+1.%2.downsample.1." },
	    { "^encoder.stages.#.layers.#.layer.#.convolution.", "layer%1+1.%2.conv%3+1." },
	    { "^encoder.stages.#.layers.#.layer.#.normalization.", "layer%1+1.%2.bn%3+1." } } },
	{ "mmpretrain's",
	  { { "^stem.0.", "features.conv0." },
	    { "^stem.1.", "features.norm0." },
	    { "^stages.#.block.#.", "features.denseblock%1+1.denselayer%2+1." },
	    { "^transitions.3.0.", "features.norm5." },
	    { "^transitions.#.", "features.transition%1+1." } } },
	{ "pytorch-cifar100's",
	  { { "^conv1.0.", "conv1." },
	    { "^conv1.1.", "bn1." },
	    { "^conv#_x.#.shortcut.", "layer%1-1.%2.shortcut." },
	    { "^conv#_x.#.residual_function.0.", "layer%1-1.%2.conv1." },
	    { "^conv#_x.#.residual_function.1.", "layer%1-1.%2.bn1." },
	    { "^conv#_x.#.residual_function.3.", "layer%1-1.%2.conv2." },
	    { "^conv#_x.#.residual_function.4.", "layer%1-1.%2.bn2." },
	    { "^conv#_x.#.residual_function.6.", "layer%1-1.%2.conv3." },
	    { "^conv#_x.#.residual_function.7.", "layer%1-1.%2.bn3." } } },
	{ "pytorch-classification's", { { "^dense#.#.", "block%1.layer.%2." }, { "^bn.", "bn1." } } },
	/* Sequential(*list(net.children())[:-1]) of torchvision's ResNet and of one for small images */
	{ "a Sequential's",
	  { { "^0.", "conv1." },
	    { "^1.", "bn1." },
	    { "^4.#.", "layer1.%1." },
	    { "^5.#.", "layer2.%1." },
	    { "^6.#.", "layer3.%1." },
	    { "^7.#.", "layer4.%1." },
	    { "^9.", "fc." } } },
	{ "a Sequential's",
	  { { "downsample.", "shortcut." },
	    { "^0.", "conv1." },
	    { "^1.", "bn1." },
	    { "^2.#.", "layer1.%1." },
	    { "^3.#.", "layer2.%1." },
	    { "^4.#.", "layer3.%1." },
	    { "^5.#.", "layer4.%1." },
	    { "^6.", "fc." } } },
	{ "the published program's",
	  { { "^conv1.", "convs.0." },
	    { "^conv2.", "convs.2." },
	    { "^fc1.", "linear.0." },
	    { "^fc2.", "linear.2." },
	    { "^fc3.", "linear.4." } } },
	/* VGG */
	{ "timm's",
	  { { "^pre_logits.fc1.", "classifier.0." },
	    { "^pre_logits.fc2.", "classifier.3." },
	    { "^head.fc.", "classifier.6." } } },
	/* RegNet */
	{ "timm's",
	  { { "^stem.conv.", "stem.0." },
	    { "^stem.bn.", "stem.1." },
	    { "^s#.b#.conv1.conv.", "trunk_output.block%1.block%1-%2-1.f.a.0." },
	    { "^s#.b#.conv1.bn.", "trunk_output.block%1.block%1-%2-1.f.a.1." },
	    { "^s#.b#.conv2.conv.", "trunk_output.block%1.block%1-%2-1.f.b.0." },
	    { "^s#.b#.conv2.bn.", "trunk_output.block%1.block%1-%2-1.f.b.1." },
	    { "^s#.b#.conv3.conv.", "trunk_output.block%1.block%1-%2-1.f.c.0." },
	    { "^s#.b#.conv3.bn.", "trunk_output.block%1.block%1-%2-1.f.c.1." },
	    { "^s#.b#.se.", "trunk_output.block%1.block%1-%2-1.f.se." },
	    { "^s#.b#.downsample.conv.", "trunk_output.block%1.block%1-%2-1.proj.0." },
	    { "^s#.b#.downsample.bn.", "trunk_output.block%1.block%1-%2-1.proj.1." },
	    { "^head.fc.", "fc." } } },
	/* ViT */
	{ "timm's",
	  { { "^cls_token", "class_token" },
	    { "^pos_embed", "encoder.pos_embedding" },
	    { "^patch_embed.proj.", "conv_proj." },
	    { "^blocks.#.norm1.", "encoder.layers.encoder_layer_%1.ln_1." },
	    { "^blocks.#.norm2.", "encoder.layers.encoder_layer_%1.ln_2." },
	    { "^blocks.#.attn.qkv.weight", "encoder.layers.encoder_layer_%1.self_attention.in_proj_weight" },
	    { "^blocks.#.attn.qkv.bias", "encoder.layers.encoder_layer_%1.self_attention.in_proj_bias" },
	    { "^blocks.#.attn.proj.", "encoder.layers.encoder_layer_%1.self_attention.out_proj." },
	    { "^blocks.#.mlp.fc1.", "encoder.layers.encoder_layer_%1.mlp.0." },
	    { "^blocks.#.mlp.fc2.", "encoder.layers.encoder_layer_%1.mlp.3." },
	    { "^norm.", "encoder.ln." },
	    { "^head.", "heads.head." } } },
	{ "HuggingFace's",
	  { { "^embeddings.cls_token", "class_token" },
	    { "^embeddings.position_embeddings", "encoder.pos_embedding" },
	    { "^embeddings.patch_embeddings.projection.", "conv_proj." },
	    { "^encoder.layer.#.layernorm_before.", "encoder.layers.encoder_layer_%1.ln_1." },
	    { "^encoder.layer.#.layernorm_after.", "encoder.layers.encoder_layer_%1.ln_2." },
	    { "^encoder.layer.#.attention.attention.qkv.weight",
	      "encoder.layers.encoder_layer_%1.self_attention.in_proj_weight" },
	    { "^encoder.layer.#.attention.attention.qkv.bias",
	      "encoder.layers.encoder_layer_%1.self_attention.in_proj_bias" },
	    { "^encoder.layer.#.attention.output.dense.", "encoder.layers.encoder_layer_%1.self_attention.out_proj." },
	    { "^encoder.layer.#.intermediate.dense.", "encoder.layers.encoder_layer_%1.mlp.0." },
	    { "^encoder.layer.#.output.dense.", "encoder.layers.encoder_layer_%1.mlp.3." },
	    { "^layernorm.", "encoder.ln." } } },
	/* torchvision's ViT before version 0.13 */
	{ "", { { "linear_1.", "0." }, { "linear_2.", "3." } } },
	/* ConvNeXt, by timm's names */
	{ "HuggingFace's",
	  { { "^embeddings.patch_embeddings.", "stem.0." },
	    { "^embeddings.layernorm.", "stem.1." },
	    { "^encoder.stages.#.layers.#.dwconv.", "stages.%1.blocks.%2.conv_dw." },
	    { "^encoder.stages.#.layers.#.layernorm.", "stages.%1.blocks.%2.norm." },
	    { "^encoder.stages.#.layers.#.pwconv1.", "stages.%1.blocks.%2.mlp.fc1." },
	    { "^encoder.stages.#.layers.#.pwconv2.", "stages.%1.blocks.%2.mlp.fc2." },
	    { "^encoder.stages.#.layers.#.layer_scale_parameter", "stages.%1.blocks.%2.gamma" },
	    { "^encoder.stages.#.downsampling_layer.#.", "stages.%1.downsample.%2." },
	    { "^layernorm.", "head.norm." } } },
	{ NULL, { { NULL, NULL } } },
};

/* The length of the match if text begins with the pattern, else 0; n[0...] are its numbers. */
static size_t match(const char *from, const char *text, long *n)
{
	const char *p = text;
	char *end;

	for (; *from; from++) {
		if (*from != '#') {
			if (*p++ != *from)
				return 0;
			continue;
		}
		if (!isdigit((unsigned char)*p))
			return 0;
		*n = strtol(p, &end, 10);
		if (end - p > 6) /* too long for a layer's number, and %1+1 must not overflow */
			return 0;
		n++;
		p = end;
	}
	return (size_t)(p - text);
}

/* Writes `to` with the numbers filled in. false: no room, or a number below 0. */
static bool fill(const char *to, const long *n, char *buf, size_t size)
{
	size_t len = 0;

	for (; *to && len + 1 < size; to++) {
		long v;

		if (*to != '%') {
			buf[len++] = *to;
			continue;
		}
		v = n[*++to - '1'];
		if ((to[1] == '+' || to[1] == '-') && isdigit((unsigned char)to[2])) {
			v += to[1] == '+' ? to[2] - '0' : '0' - to[2];
			to += 2;
		}
		if (v < 0)
			return false;
		len += (size_t)snprintf(buf + len, size - len, "%ld", v);
	}
	if (len >= size)
		return false;
	buf[len] = '\0';
	return !*to;
}

static bool apply(const char *from, const char *to, const char *name, char *buf)
{
	const bool front = *from == '^';
	char made[NET_FOREIGN_NAME];
	long n[9] = { 0 };

	for (const char *at = name; at; at = front || !(at = strchr(at, '.')) ? NULL : at + 1) {
		const size_t len = match(from + front, at, n);

		if (len && (at[len] || from[strlen(from) - 1] != '.') && fill(to, n, made, sizeof made))
			return snprintf(buf, NET_FOREIGN_NAME, "%.*s%s%s", (int)(at - name), name, made, at + len) <
			       NET_FOREIGN_NAME;
	}
	return false;
}

bool net_dialect_apply(const struct net_dialect *d, const char *name, char *buf)
{
	/* names in torchvision's DenseNets before version 0.2 */
	static const char *const old[][2] = {
		{ "norm.1.", "norm1." }, { "norm.2.", "norm2." }, { "conv.1.", "conv1." }, { "conv.2.", "conv2." }
	};
	char next[NET_FOREIGN_NAME];
	bool any = false;

	snprintf(buf, NET_FOREIGN_NAME, "%s", name);
	for (int i = 0; i < 16 && d->rules[i].from; i++)
		if (apply(d->rules[i].from, d->rules[i].to, buf, next)) {
			memcpy(buf, next, sizeof next);
			any = true;
			if (*d->rules[i].from == '^') /* a name gets only one new beginning */
				break;
		}
	for (int i = 0; i < 4 && strstr(buf, "denselayer"); i++)
		if (apply(old[i][0], old[i][1], buf, next))
			memcpy(buf, next, sizeof next);
	return any;
}

/* ---- a state under a prefix ---- */

int net_named_init(struct net_named *n, const struct ts_set *state, const char *prefix, const struct net_dialect *d,
		   struct err *err)
{
	const size_t len = strlen(prefix);
	char name[NET_FOREIGN_NAME];

	*n = (struct net_named){ 0 };
	n->set.t = calloc(state->n + 1, sizeof *n->set.t);
	for (size_t i = 0; n->set.t && i < state->n; i++) {
		struct ts_tensor *t = &n->set.t[n->set.n];

		if (strncmp(state->t[i].name, prefix, len) != 0 || !state->t[i].name[len])
			continue;
		n->renamed |= net_dialect_apply(d, state->t[i].name + len, name);
		*t = state->t[i];
		if (!(t->name = strdup(name)))
			break;
		n->set.n++;
	}
	if (n->set.t && (n->sorted = sort(&n->set)) != NULL)
		return 0;
	net_named_release(n);
	return err_memory(err);
}

void net_named_release(struct net_named *n)
{
	for (size_t i = 0; i < n->set.n; i++)
		free(n->set.t[i].name);
	free(n->set.t);
	free(n->sorted);
	*n = (struct net_named){ 0 };
}

const struct ts_tensor *net_named_get(const struct net_named *n, const char *name)
{
	const struct ts_tensor want = { .name = (char *)(uintptr_t)name }, *p = &want;
	const struct ts_tensor **hit = bsearch(&p, n->sorted, n->set.n, sizeof *n->sorted, compare_names);

	return hit ? *hit : NULL;
}

/* ---- prefixes ---- */

struct prefix {
	char *text;
	size_t count, first; /* number of tensors; index of the first in the file */
};

static int by_count(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	if (x->count != y->count)
		return (x->count < y->count) - (x->count > y->count);
	if (strlen(x->text) != strlen(y->text) && strncmp(x->text, y->text, strlen(x->text)) == 0)
		return -1;
	if (strlen(x->text) != strlen(y->text) && strncmp(x->text, y->text, strlen(y->text)) == 0)
		return 1;
	return (x->first > y->first) - (x->first < y->first);
}

/* Names are sorted, so all of one prefix are together: it is counted where it begins. */
static int add_prefixes(const struct ts_set *s, const struct ts_tensor **sorted, size_t i, struct prefix *p,
			size_t *n_p)
{
	const size_t n = s->n;

	for (const char *dot = sorted[i]->name; (dot = strchr(dot, '.')) != NULL; dot++) {
		const size_t len = (size_t)(dot - sorted[i]->name) + 1;
		size_t k = i, first = n;

		if ((i && strncmp(sorted[i - 1]->name, sorted[i]->name, len) == 0) || *n_p == NET_MAX_PREFIXES * 16)
			continue;
		for (; k < n && strncmp(sorted[k]->name, sorted[i]->name, len) == 0; k++)
			first = (size_t)(sorted[k] - s->t) < first ? (size_t)(sorted[k] - s->t) : first;
		if (k - i < 4)
			continue;
		if (!(p[*n_p].text = strndup(sorted[i]->name, len)))
			return -1;
		p[*n_p].first = first;
		p[(*n_p)++].count = k - i;
	}
	return 0;
}

int net_names_prefixes(const struct ts_set *state, char ***ret, size_t *n, struct err *err)
{
	struct prefix *p = calloc(NET_MAX_PREFIXES * 16, sizeof *p);
	const struct ts_tensor **sorted = sort(state);
	size_t have = 0;
	int rc = 0;

	*ret = calloc(NET_MAX_PREFIXES, sizeof **ret);
	*n = 0;
	if (!p || !sorted || !*ret || !(p[have++].text = strdup("")))
		rc = -1;
	else
		p[0].count = state->n;
	for (size_t i = 0; rc == 0 && i < state->n; i++)
		rc = add_prefixes(state, sorted, i, p, &have);
	if (rc == 0)
		qsort(p, have, sizeof *p, by_count);
	for (size_t i = 0; p && i < have; i++)
		if (rc == 0 && *n < NET_MAX_PREFIXES)
			(*ret)[(*n)++] = p[i].text;
		else
			free(p[i].text);
	free(p);
	free(sorted);
	return rc < 0 ? err_memory(err) : 0;
}
