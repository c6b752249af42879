/* SPDX-License-Identifier: MIT
 * LSUN as it is distributed: an LMDB of encoded images, one folder for each category and split
 * (church_outdoor_train_lmdb). Read through liblmdb, which maps the file and trusts it, so ds_mdb checks it first. */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ds/format/ds_mdb.h"

struct lmdb {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
};

static bool named(const char *path)
{
	return strcmp(ds_base(path), "data.mdb") == 0 || strcmp(ds_base(path), "lock.mdb") == 0;
}

static void forget(void *memo)
{
	struct lmdb *m = memo;

	if (m && m->txn)
		mdb_txn_abort(m->txn);
	if (m && m->env)
		mdb_env_close(m->env);
	free(m);
}

static int load_env(const char *path, void **memo, struct err *err)
{
	struct lmdb *m = *memo = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return err_memory(err);
	if (ds_mdb_check(path, err) < 0)
		return -1;
	rc = mdb_env_create(&m->env);
	if (rc == 0)
		rc = mdb_env_open(m->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
	if (rc == 0)
		rc = mdb_txn_begin(m->env, NULL, MDB_RDONLY, &m->txn);
	if (rc == 0)
		rc = mdb_dbi_open(m->txn, NULL, 0, &m->dbi);
	if (rc == 0)
		return 0;
	return err_fail(err, "LMDB that cannot be read: %s", mdb_strerror(rc));
}

static int load(struct ds_in *in, void **memo, struct err *err)
{
	return load_env(in->real, memo, err);
}

/* Keys that are not text are written in hexadecimal after "0x"; so are those with a slash, because the key is what
 * follows the last slash of a row's name. */
static void to_name(const MDB_val *key, char name[1100])
{
	const unsigned char *p = key->mv_data;
	bool text = key->mv_size > 0;

	for (size_t i = 0; i < key->mv_size; i++)
		text &= p[i] > 32 && p[i] < 127 && p[i] != '/';
	if (text && !(key->mv_size > 1 && p[0] == '0' && p[1] == 'x')) {
		snprintf(name, 1100, "%.*s", (int)key->mv_size, (const char *)p);
		return;
	}
	snprintf(name, 1100, "0x");
	for (size_t i = 0; i < key->mv_size && i < 511; i++)
		snprintf(name + 2 + 2 * i, 3, "%02x", p[i]);
}

static size_t to_key(const char *name, unsigned char key[1100])
{
	size_t n = strlen(name);
	unsigned byte;

	if (n < 2 || name[0] != '0' || name[1] != 'x') {
		memcpy(key, name, n);
		return n;
	}
	for (n = 0; sscanf(name + 2 + 2 * n, "%2x", &byte) == 1; n++)
		key[n] = (unsigned char)byte;
	return n;
}

static int fetch(void *memo, const char *name, const void **p, size_t *n, struct err *err)
{
	struct lmdb *m = memo;
	unsigned char buf[1100];
	MDB_val key = { to_key(ds_base(name), buf), buf }, value;
	int rc = mdb_get(m->txn, m->dbi, &key, &value);

	if (rc)
		return err_fail(err, "%s", mdb_strerror(rc));
	*p = value.mv_data;
	*n = value.mv_size;
	return 0;
}

/* For the folder church_outdoor_train_lmdb, class_id becomes church_outdoor, and "train" is returned. NULL: no
 * split. */
static const char *take_apart(const char *real, char class_id[256])
{
	static const char *const splits[] = { "train", "val", "test" };
	char *full = realpath(real, NULL), *slash = full ? strrchr(full, '/') : NULL;

	class_id[0] = '\0';
	if (slash) {
		*slash = '\0';
		snprintf(class_id, 256, "%s", ds_base(full));
	}
	free(full);
	for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
		char end[32];
		size_t n = strlen(class_id), len;

		len = (size_t)snprintf(end, sizeof end, "_%s_lmdb", splits[i]);
		if (n > len && strcmp(class_id + n - len, end) == 0) {
			class_id[n - len] = '\0';
			return splits[i];
		}
	}
	return NULL;
}

static int list_keys(struct ds_source *s, struct lmdb *m, const char *path, const char *class_id, struct err *err)
{
	char name[1100], row[DS_NAME];
	MDB_val key, value;
	MDB_cursor *c;
	size_t n = 0;
	int rc = mdb_cursor_open(m->txn, m->dbi, &c);

	if (rc)
		return err_fail(err, "LMDB that cannot be read: %s", mdb_strerror(rc));
	while ((rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) == 0) {
		if (n == 0 && !ds_is_image(value.mv_data, value.mv_size)) {
			mdb_cursor_close(c);
			return ds_pass(s, path, "is an LMDB of something other than encoded images");
		}
		to_name(&key, name);
		snprintf(row, sizeof row, "%.*s%s", (int)(ds_base(path) - path < 3000 ? ds_base(path) - path : 3000),
			 path, name);
		if (ds_add_row(s, row, n++, class_id, -1, err) < 0) {
			mdb_cursor_close(c);
			return -1;
		}
	}
	mdb_cursor_close(c);
	if (rc == MDB_NOTFOUND)
		return 1;
	return err_fail(err, "LMDB that cannot be read: %s", mdb_strerror(rc));
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	char class_id[256];
	const char *split;
	void *memo = NULL;
	int rc = -1;

	if (strcmp(ds_base(in->path), "lock.mdb") == 0)
		return 1;
	if (!in->real)
		return ds_pass(s, in->path, "is an LMDB inside an archive, where it cannot be read; unpack it");
	split = take_apart(in->real, class_id);
	if (!ds_in_split(s, in->path, split))
		return 1;
	if (load_env(in->real, &memo, err) == 0)
		rc = list_keys(s, memo, in->path, class_id[0] ? class_id : NULL, err);
	forget(memo);
	return rc;
}

const struct ds_layout ds_layout_lmdb = {
	.name = "lmdb",
	.what = "LSUN's LMDB of WebP or JPEG images (a folder with data.mdb)",
	.named = named,
	.list = list,
	.load = load,
	.fetch = fetch,
	.forget = forget,
};
