/* SPDX-License-Identifier: MIT
 * A hash table with open addressing: cap places, a power of two, so that masking a hash gives a place. A key whose
 * place is taken goes to the next free one (linear probing); since at most half of the places are taken there always is
 * one, and a search ends there. Nothing is ever removed, so no place has to be marked as deleted. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ds/ds_map.h"

/* The place where a key with this hash is, or would be. */
static size_t place(const struct ds_map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->at[i].key && (m->at[i].hash != hash || strcmp(m->at[i].key, key) != 0))
		i = (i + 1) & (m->cap - 1);
	return i;
}

int64_t ds_map_get(const struct ds_map *m, const char *key)
{
	const size_t i = m->n ? place(m, key, XXH3_64bits(key, strlen(key))) : 0;

	return m->n && m->at[i].key ? m->at[i].value : -1;
}

/* Doubles the table. A key's place depends on cap, so every key is placed anew. It uses the stored hashes alone: no two
 * keys are equal, and reading a million strings again would take longer than everything else. */
static int grow(struct ds_map *m, struct err *err)
{
	const size_t cap = m->cap ? 2 * m->cap : 256;
	struct ds_map_place *at = calloc(cap, sizeof *at);

	if (!at)
		return err_memory(err);
	for (size_t i = 0; i < m->cap; i++)
		if (m->at[i].key) {
			size_t to = m->at[i].hash & (cap - 1);

			while (at[to].key)
				to = (to + 1) & (cap - 1);
			at[to] = m->at[i];
		}
	free(m->at);
	m->at = at;
	m->cap = cap;
	return 0;
}

int ds_map_set(struct ds_map *m, const char *key, int64_t value, struct err *err)
{
	const uint64_t hash = XXH3_64bits(key, strlen(key));
	struct ds_map_place *p;

	if (2 * m->n >= m->cap && grow(m, err) < 0)
		return -1;
	p = &m->at[place(m, key, hash)];
	if (p->key) {
		p->value = value;
		return 1;
	}
	if (!(p->key = strdup(key)))
		return err_memory(err);
	p->hash = hash;
	p->value = value;
	m->n++;
	return 0;
}

void ds_map_release(struct ds_map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->at[i].key);
	free(m->at);
	*m = (struct ds_map){ 0 };
}
