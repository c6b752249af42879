/* SPDX-License-Identifier: MIT
 * A hash table with open addressing: key[cap] and value[cap], cap a power of two, so that masking a hash gives a
 * place. A key whose place is taken goes to the next free one (linear probing); since at most half of the places are
 * taken there always is one, and a search ends there. Nothing is ever removed, so no place has to be marked as
 * "was taken". */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ds/ds_map.h"

/* Where key stands, or would. */
static size_t place(const struct ds_map *m, const char *key)
{
	size_t i = XXH3_64bits(key, strlen(key)) & (m->cap - 1);

	while (m->key[i] && strcmp(m->key[i], key) != 0)
		i = (i + 1) & (m->cap - 1);
	return i;
}

int64_t ds_map_get(const struct ds_map *m, const char *key)
{
	size_t i = m->n ? place(m, key) : 0;
	return m->n && m->key[i] ? m->value[i] : -1;
}

/* Doubles the table. A key's place depends on cap, so each is placed anew. */
static int grow(struct ds_map *m, struct err *err)
{
	struct ds_map old = *m;

	m->cap = m->cap ? 2 * m->cap : 256;
	m->key = calloc(m->cap, sizeof *m->key);
	m->value = malloc(m->cap * sizeof *m->value);
	if (!m->key || !m->value) {
		free(m->key);
		free(m->value);
		*m = old;
		return err_memory(err);
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.key[i]) {
			size_t to = place(m, old.key[i]);
			m->key[to] = old.key[i];
			m->value[to] = old.value[i];
		}
	free(old.key);
	free(old.value);
	return 0;
}

int ds_map_set(struct ds_map *m, const char *key, int64_t value, struct err *err)
{
	size_t i;

	if (2 * m->n >= m->cap && grow(m, err) < 0)
		return -1;
	i = place(m, key);
	if (m->key[i]) {
		m->value[i] = value;
		return 1;
	}
	if (!(m->key[i] = strdup(key)))
		return err_memory(err);
	m->value[i] = value;
	m->n++;
	return 0;
}

void ds_map_release(struct ds_map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->key[i]);
	free(m->key);
	free(m->value);
	*m = (struct ds_map){ 0 };
}
