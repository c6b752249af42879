/* SPDX-License-Identifier: MIT
 * PyTorch's containers: the zip archive, and the older sequence of pickles. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arc/arc.h"
#include "net/foreign/net_pytorch.h"
#include "net/foreign/net_pytorch_internal.h"

/* Reads a pickle from the first bytes, at most NET_MAX_PICKLE. */
static struct pickle *unpickle(const unsigned char *p, size_t n, struct err *err)
{
	return pickle_read(p, n < NET_MAX_PICKLE ? n : NET_MAX_PICKLE, pytorch_names, err);
}

/* ---- zip ---- */

struct zip {
	struct archive *a;
	struct archive_entry *entry;
	const unsigned char *p;
	size_t n, left; /* left: bytes that may still come out, at most the size of the file: PyTorch does not compress;
			 * only zip bombs give more */
	struct err *err;
};

static int zip_open(struct zip *z)
{
	z->a = NULL;
	z->entry = NULL;
	if (arc_open(z->err) < 0)
		return -1;
	z->a = arc->archive_read_new();
	if (!z->a || arc->archive_read_support_format_zip_seekable(z->a) != ARCHIVE_OK ||
	    arc->archive_read_open_memory(z->a, z->p, z->n) != ARCHIVE_OK)
		return err_fail(z->err, "zip: %s", z->a ? arc->archive_error_string(z->a) : "out of memory");
	return 0;
}

static void zip_close(struct zip *z)
{
	if (z->a)
		arc->archive_read_free(z->a);
	z->a = NULL;
}

/* The next member's name; NULL: there is none, or, with *rc -1, an error. */
static const char *zip_next(struct zip *z, int *rc)
{
	const char *name = NULL, *why;
	int got = arc->archive_read_next_header(z->a, &z->entry);

	*rc = 0;
	if (got == ARCHIVE_EOF)
		return NULL;
	if (got == ARCHIVE_OK || got == ARCHIVE_WARN)
		name = arc->archive_entry_pathname(z->entry);
	if (!name) {
		why = arc->archive_error_string(z->a);
		*rc = err_fail(z->err, "zip: %s", why ? why : "a member without a name");
	}
	return name;
}

/* The member's bytes, at most max and z->left, growing as they arrive. NULL with a line in err. */
static unsigned char *zip_member(struct zip *z, const char *name, size_t max, size_t *n)
{
	size_t cap = 0;
	unsigned char *p = NULL, *grown;
	ssize_t got = 1;

	max = max < z->left ? max : z->left;
	for (*n = 0; got != 0; *n += (size_t)got) {
		if (*n == cap) {
			cap = cap ? 2 * cap : 1 << 14;
			if (!(grown = realloc(p, cap))) {
				err_fail(z->err, "out of memory");
				goto bad;
			}
			p = grown;
		}
		got = arc->archive_read_data(z->a, p + *n, cap - *n);
		if (got < 0) {
			const char *why = arc->archive_error_string(z->a);
			err_fail(z->err, "zip, member '" ERR_NAME "': %s", name, why ? why : "cannot be read");
			goto bad;
		}
		if ((size_t)got > max - *n) {
			err_fail(z->err, "zip, member '" ERR_NAME "' has more than %zu bytes", name, max);
			goto bad;
		}
	}
	z->left -= *n;
	return p;
bad:
	free(p);
	return NULL;
}

/* Is it member `tail` of a folder? */
static bool is_member(const char *name, const char *tail)
{
	const char *slash = strchr(name, '/');
	return slash && strcmp(slash + 1, tail) == 0;
}

/* The pickle's bytes, and the name of its folder, which the caller frees even on failure. */
static unsigned char *zip_pickle(struct zip *z, size_t *n, char **folder)
{
	unsigned char *p = NULL, *order;
	const char *name;
	size_t len;
	int rc = 0;

	while (rc == 0 && (name = zip_next(z, &rc)) != NULL) {
		if (is_member(name, "data.pkl") && !p) {
			*folder = strndup(name, (size_t)(strchr(name, '/') - name));
			p = *folder ? zip_member(z, name, NET_MAX_PICKLE, n) : NULL;
			rc = p ? 0 : *folder ? -1 : err_fail(z->err, "out of memory");
		} else if (is_member(name, "byteorder")) {
			order = zip_member(z, name, 16, &len);
			rc = order ? 0 : -1;
			if (order && (len < 6 || memcmp(order, "little", 6) != 0))
				rc = err_fail(z->err, "was written by a big-endian machine");
			free(order);
		} else if (is_member(name, "constants.pkl")) {
			rc = err_fail(z->err, "is a TorchScript program, not a state_dict; in Python: "
					      "torch.save(torch.jit.load(FILE).state_dict(), ...)");
		}
	}
	if (rc == 0 && !p)
		err_fail(z->err, "zip without a member NAME/data.pkl: not a PyTorch file");
	if (rc < 0) {
		free(p);
		p = NULL;
	}
	return p;
}

static int zip_storages(struct zip *z, const char *folder, struct pytorch_object *o, struct net_foreign *f)
{
	const size_t len = strlen(folder);
	const char *name;
	int rc = 0;

	while (rc == 0 && (name = zip_next(z, &rc)) != NULL) {
		const char *tail = strncmp(name, folder, len) == 0 ? name + len : NULL;
		struct pytorch_storage *s;
		unsigned char *p;
		size_t n, want;

		if (!tail || strncmp(tail, "/data/", 6) != 0 ||
		    !(s = pytorch_object_find(o, tail + 6, strlen(tail + 6))) || !s->elem_size)
			continue;
		if (__builtin_mul_overflow(s->numel, s->elem_size, &want) || want > z->n)
			return err_fail(z->err,
					"storage '" ERR_NAME "' claims %zu elements, more than the file has bytes",
					tail + 6, s->numel);
		p = zip_member(z, name, want, &n);
		if (!p)
			return -1;
		if (n != want)
			rc = err_fail(z->err, "zip, member '" ERR_NAME "' has %zu bytes, but its pickle says %zu", name,
				      n, want);
		else
			rc = pytorch_object_fill(o, s, p, f, z->err);
		free(p);
	}
	return rc;
}

static int read_members(struct net_foreign *f, const unsigned char *p, size_t n, const char *key, struct err *err)
{
	struct zip z = { .p = p, .n = n, .left = n, .err = err };
	struct pytorch_object o = { 0 };
	unsigned char *bytes = NULL;
	struct pickle *k = NULL;
	char *folder = NULL;
	size_t len = 0;
	int rc = -1;

	f->format = "PyTorch (zip)";
	if (zip_open(&z) == 0)
		bytes = zip_pickle(&z, &len, &folder);
	zip_close(&z);
	if (bytes && (k = unpickle(bytes, len, err)) != NULL && pytorch_object_read(&o, k, key, f, err) == 0 &&
	    zip_open(&z) == 0)
		rc = zip_storages(&z, folder, &o, f);
	zip_close(&z);
	if (rc == 0)
		rc = pytorch_object_finish(&o, f, err);
	pytorch_object_release(&o);
	pickle_free(k);
	free(bytes);
	free(folder);
	return rc;
}

/* The folder has the name of the file when it was saved, in UTF-8 whatever the user's locale. */
static int read_zip(struct net_foreign *f, const unsigned char *p, size_t n, const char *key, struct err *err)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), old;
	int rc;

	if (!utf8)
		return read_members(f, p, n, key, err);
	old = uselocale(utf8);
	rc = read_members(f, p, n, key, err);
	uselocale(old);
	freelocale(utf8);
	return rc;
}

/* ---- legacy ---- */

/* The first pickle is this 10-byte number. */
static bool is_magic(const struct pickle_value *v)
{
	static const unsigned char magic[] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };

	return v->type == PICKLE_LONG && v->n == sizeof magic && memcmp(v->s, magic, sizeof magic) == 0;
}

/* Storages, in the order of the list of keys: <i8 elements, bytes. */
static int legacy_storages(const struct pickle_value *keys, const unsigned char *p, size_t n, struct pytorch_object *o,
			   struct net_foreign *f, struct err *err)
{
	if (keys->type != PICKLE_LIST)
		return err_fail(err, "its list of storages is not a list");
	for (size_t i = 0; i < keys->n; i++) {
		const struct pickle_value *v = keys->item[i];
		struct pytorch_storage *s = v->type == PICKLE_STR ? pytorch_object_find(o, v->s, v->n) : NULL;
		uint64_t numel;
		size_t bytes;

		if (!s)
			return err_fail(err, "a storage that nothing refers to, so its type is unknown");
		if (n < 8)
			return err_fail(err, "is cut off before storage %zu of %zu", i + 1, keys->n);
		memcpy(&numel, p, 8);
		if (numel != s->numel)
			return err_fail(err, "storage '%.*s' has %llu elements, but its pickle says %zu", (int)v->n,
					v->s, (unsigned long long)numel, s->numel);
		if (!s->elem_size)
			return err_fail(err,
					"storage '%.*s' is a " ERR_NAME
					", of unknown size: what is behind it cannot be found",
					(int)v->n, v->s, s->type);
		if (__builtin_mul_overflow(s->numel, s->elem_size, &bytes) || bytes > n - 8)
			return err_fail(err, "is cut off in storage %zu of %zu, which should have %zu elements", i + 1,
					keys->n, s->numel);
		if (pytorch_object_fill(o, s, p + 8, f, err) < 0)
			return -1;
		p += 8 + bytes;
		n -= 8 + bytes;
	}
	return n ? err_fail(err, "has %zu bytes behind its last storage", n) : 0;
}

static int read_legacy(struct net_foreign *f, const unsigned char *p, size_t n, const char *key, struct err *err)
{
	struct pickle *k[5] = { NULL }; /* magic, protocol, machine, object, keys */
	const struct pickle_value *little;
	struct pytorch_object o = { 0 };
	int rc = 0;

	f->format = "PyTorch (legacy pickle)";
	for (int i = 0; i < 5 && rc == 0; i++) {
		if (!(k[i] = unpickle(p, n, err))) {
			rc = -1;
			break;
		}
		p += pickle_size(k[i]);
		n -= pickle_size(k[i]);
		if (i == 1 && (pickle_root(k[1])->type != PICKLE_INT || pickle_root(k[1])->i != 1001))
			rc = err_fail(err, "legacy form of a protocol that is not 1001");
		little = i == 2 ? pickle_get(pickle_root(k[2]), "little_endian") : NULL;
		if (i == 2 && (!little || little->type != PICKLE_INT || !little->i))
			rc = err_fail(err, "was written by a big-endian machine");
		if (i < 3) { /* is not used again */
			pickle_free(k[i]);
			k[i] = NULL;
		}
	}
	if (rc == 0)
		rc = pytorch_object_read(&o, k[3], key, f, err);
	if (rc == 0)
		rc = legacy_storages(pickle_root(k[4]), p, n, &o, f, err);
	if (rc == 0)
		rc = pytorch_object_finish(&o, f, err);
	pytorch_object_release(&o);
	for (int i = 0; i < 5; i++)
		pickle_free(k[i]);
	return rc;
}

bool net_pytorch_is(const unsigned char *p, size_t n)
{
	return n > 4 && (memcmp(p, "PK\3\4", 4) == 0 || (p[0] == 0x80 && p[1] >= 2 && p[1] <= 5));
}

int net_pytorch_read(struct net_foreign *f, const unsigned char *p, size_t n, const char *key, struct err *err)
{
	struct pickle *k;
	bool legacy;

	if (n > 4 && memcmp(p, "PK\3\4", 4) == 0)
		return read_zip(f, p, n, key, err);
	f->format = "pickle";
	if (!(k = unpickle(p, n, err))) /* err names what is refused */
		return -1;
	legacy = is_magic(pickle_root(k));
	pickle_free(k);
	return legacy ? read_legacy(f, p, n, key, err) : err_fail(err, "is a pickle, but not one of PyTorch's");
}
