/* SPDX-License-Identifier: MIT
 * Sources: the list of files and rows, built by offering every file to the layouts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "ds/ds_folders.h"
#include "ds/ds_folders_internal.h"

/* ---- listing ---- */

/* What lies in a hidden folder, or in one that Macs and network disks leave behind, is not part of a data set: Jupyter
 * keeps copies of images in .ipynb_checkpoints. */
static bool is_junk(const char *name)
{
	static const char *const folders[] = { "__MACOSX", "@eaDir" };

	for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
		if (*p == '.')
			return true;
		for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
			if (strcspn(p, "/") == strlen(folders[i]) && strncmp(p, folders[i], strlen(folders[i])) == 0)
				return true;
	}
	return false;
}

/* Does the layout want the file? 1, 0, -1. It decides by the name or else by the first bytes. If --format names a
 * layout, that layout takes a plain file whatever it looks like. */
static int wants(struct ds_source *s, const struct ds_layout *l, struct ds_in *in, bool plain, struct err *err)
{
	const unsigned char *head;
	size_t n;

	if (s->format && s->format != l && s->format->with != l)
		return 0;
	if ((l->named && l->named(in->path)) || (plain && s->format == l))
		return 1;
	if (!l->starts)
		return 0;
	if (ds_in_head(in, &head, &n, err) < 0)
		return -1;
	return n && l->starts(head, n);
}

/* The same file may be there twice, packed and unpacked: torchvision's download leaves NAME.gz beside NAME. So each
 * file that was read is remembered without .gz, with a hash of its content. */
static void packed_key(const char *path, char key[4096])
{
	const size_t n = strlen(path);

	snprintf(key, 4096, "%.*s", (int)(n > 3 && strcmp(path + n - 3, ".gz") == 0 ? n - 3 : n), path);
}

/* 63 bits, because values of ds_map are not negative. */
static int64_t content_hash(const struct ds_in *in)
{
	const struct ds_bytes *b = in->gz ? &in->unpacked : &in->raw;

	return (int64_t)(XXH3_64bits(b->p, b->n) >> 1);
}

static int remember_packed(struct ds_source *s, const struct ds_in *in, struct err *err)
{
	char key[4096];

	if (!in->whole)
		return 1;
	packed_key(in->path, key);
	return ds_map_set(&s->packed, key, content_hash(in), err) < 0 ? -1 : 1;
}

/* 1: the file has been read already, under its name with or without .gz; 0; -1 with err: it has, but with other
 * content. */
static int is_packed_twin(struct ds_source *s, struct ds_in *in, struct err *err)
{
	char key[4096];
	int64_t hash;

	packed_key(in->path, key);
	if (!s->packed.n || (hash = ds_map_get(&s->packed, key)) < 0)
		return 0;
	if (!ds_in_content(in, DS_MAX_FILE, err))
		return -1;
	if (hash == content_hash(in))
		return 1;
	return err_fail(err, "'%s' and '%s.gz' do not hold the same; remove one of them", key, key);
}

/* Is it an archive inside the source, judging by its name? Such are shards, or a class that was not unpacked. */
static bool is_archive(const char *path)
{
	static const char *const endings[] = { ".tar",     ".tgz", ".tar.gz",  ".tar.xz", ".tar.bz2",
					       ".tar.zst", ".zip", ".tar.lz4", ".7z" };

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (ds_ends_in(path, endings[i]))
			return true;
	return false;
}

static int offer(struct ds_source *s, struct ds_in *in, bool plain, struct err *err)
{
	const int twin = is_packed_twin(s, in, err);

	if (twin) {
		s->ignored++;
		return twin;
	}
	for (s->listing.layout = 0; s->listing.layout < DS_LAYOUTS; s->listing.layout++) {
		const struct ds_layout *l = s->layouts[s->listing.layout];
		int rc = ds_wanted(s) || l->annotates ? wants(s, l, in, plain, err) : 0;

		if (rc == 1)
			rc = l->list(s, in, err);
		if (rc)
			return rc < 0 || l->with ? rc : remember_packed(s, in, err);
	}
	s->ignored++;
	if (!plain && is_archive(in->path))
		ds_pass(s, in->path,
			"is an archive inside the source, which is not read; give it as a source of its own");
	return 0;
}

/* Did offer() fail before it could look at a byte of a link? This matters if, by its name, a layout would read it, and
 * if it was the folder of a class, which ds_folder_check() reports. */
static bool is_unread_link(const struct ds_source *s, const struct ds_in *in)
{
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (s->layouts[i]->named && s->layouts[i]->named(in->path) && !s->layouts[i]->with)
			return false;
	return !in->known && in->raw.n == 0;
}

/* A FIFO or a device is not a file of a data set, even if it has the name of one. */
static int special(struct ds_source *s, const struct ds_in *in, struct err *err)
{
	if (!is_unread_link(s, in))
		return err_fail(err, "is a FIFO, a socket or a device, not a file");
	s->ignored++;
	return 0;
}

/* Tells o.unreadable of an error in a folder, if that is wanted. */
static bool pass_over(const struct ds_source *s, const struct ds_operand *o, const struct err *err)
{
	if (!s->o.unreadable || !o->folder || err->memory)
		return false;
	s->o.unreadable(s->o.data, err->text);
	return true;
}

/* Is the current file one that cannot be read at all, or is gone? */
static bool is_unreadable(const struct ds_files *f)
{
	return ds_files_kind(f) == DS_SPECIAL || access(ds_files_path(f), R_OK) < 0;
}

static int list_files(struct ds_source *s, struct ds_operand *o, struct ds_files *f, struct ds_in *in, struct err *err)
{
	char path[4096];
	const char *name;
	int rc;

	while ((rc = ds_files_next(f, &name, err)) != 0) {
		if (rc < 0 && pass_over(s, o, err))
			continue;
		if (rc < 0)
			return -1;
		if (snprintf(path, sizeof path, "%s%s", o->prefix, name) >= (int)sizeof path)
			return err_fail(err, "holds a path of more than %zu bytes", sizeof path - 1);
		ds_listing_file(s, path);
		if (!o->plain && is_junk(name)) {
			s->ignored += ds_files_kind(f) != DS_FOLDER;
			continue;
		}
		if (ds_files_kind(f) == DS_FOLDER) {
			if (ds_folder_seen(s, name, false, err) < 0)
				return -1;
			continue;
		}
		ds_in_begin(in, f, path, ds_files_path(f));
		rc = ds_files_kind(f) == DS_SPECIAL ? special(s, in, err) : offer(s, in, o->plain, err);
		if (rc < 0 && ds_files_kind(f) == DS_LINK && is_unread_link(s, in)) {
			s->ignored++;
			rc = ds_folder_seen(s, name, true, err);
		}
		if (rc < 0) {
			const bool pass = o->folder && is_unreadable(f);

			rc = o->plain ? err_prefix(err, "'%s': ", o->path) :
					err_prefix(err, "'%s': '%s': ", o->path, path);
			if (!pass || !pass_over(s, o, err))
				return rc;
		}
	}
	return rc;
}

static int list_operand(struct ds_source *s, size_t operand, struct err *err)
{
	struct ds_operand *o = &s->operands[operand];
	struct ds_files *f = ds_files_open(o->at, o->path, err);
	struct ds_in in = { 0 };
	const size_t ignored = s->ignored;
	int rc;

	if (!f)
		return -1;
	o->plain = ds_files_is_plain(f);
	o->folder = ds_files_is_folder(f);
	s->listing = (struct ds_listing){ .operand = operand };
	rc = list_files(s, o, f, &in, err);
	/* For a single source say_nothing_there() reports it. Among others it would go unnoticed: a shard that was not
	 * downloaded, or that cannot be read. */
	if (rc == 0 && o->plain && s->ignored > ignored && s->n_operands > 1 && !s->o.files)
		rc = err_fail(err,
			      "'%s' is neither a folder nor a whole archive, nor a file of a format that is read "
			      "(--list-formats)",
			      o->path);
	ds_in_release(&in);
	ds_files_close(f);
	return rc;
}

static int say_nothing_there(const struct ds_source *s, struct err *err)
{
	const char *path = s->o.list ? s->o.list : s->operands[0].path;

	if (s->o.files)
		return err_fail(err, "'%s' holds no images in files that match '%s'", path, s->o.files);
	if (s->unread.text[0])
		return err_fail(err, "'%s' holds no images that are read; %s", path, s->unread.text);
	if (s->o.split)
		return err_fail(err,
				"'%s' has no images in a folder '%s'; its folders are:%s (without --split all are "
				"taken, and ts-split divides them)",
				path, s->o.split, s->splits[0] ? s->splits : " none");
	if (s->o.format)
		return err_fail(err, "'%s' holds no images of format '%s'", path, s->o.format);
	if (s->n_operands == 1 && s->operands[0].plain)
		return err_fail(err,
				"'%s' is neither a folder nor a whole archive, nor a file of a "
				"format that is read (--list-formats)",
				path);
	return err_fail(err, "'%s' holds no images of a format that is read (--list-formats)", path);
}

/* Each of several folders and archives must have images, as a single one must, unless only some files are asked for. */
static int check_operands(const struct ds_source *s, struct err *err)
{
	bool *has = calloc(s->n_operands + 1, sizeof *has);
	int rc = has ? 0 : err_memory(err);

	for (size_t i = 0; has && i < s->n; i++)
		has[s->files[s->rows[i].file].operand] = true;
	for (size_t i = 0; i < s->n_operands && rc == 0; i++)
		if (!has[i] && !s->operands[i].plain)
			rc = err_fail(err, "'%s' holds no images of a format that is read (--list-formats)",
				      s->operands[i].path);
	free(has);
	return rc;
}

/* Without --split, adds a note if the files just listed are of several splits: who forgets it tests on what was
 * trained on. Not every name is a split's: part-1.parquet, part-2.parquet. */
static int note_splits(struct ds_source *s, size_t operand, struct err *err)
{
	char names[sizeof s->splits], *rest = names, *word;
	size_t n = 0;

	if (s->o.split)
		return 0;
	memcpy(names, s->splits, sizeof names);
	while ((word = strsep(&rest, " ")))
		n += *word && ds_dir_what(word) < DS_DIR_IMAGES;
	memcpy(names, s->splits, sizeof names);
	s->splits[0] = '\0';
	return n < 2 ? 0 :
		       ds_add_note(s, err, "'%s' has several splits, and all are taken:%s; --split NAME takes one",
				   s->operands[operand].path, names);
}

static int list(struct ds_source *s, struct err *err)
{
	if (s->o.list && ds_list_read(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n_operands && !s->o.list; i++)
		if (list_operand(s, i, err) < 0 || note_splits(s, i, err) < 0)
			return -1;
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (s->layouts[i]->finish && s->layouts[i]->finish(s, err) < 0)
			return -1;
	if (!s->n)
		return say_nothing_there(s, err);
	if (!s->o.list && !s->o.split && !s->o.files && !s->o.format && check_operands(s, err) < 0)
		return -1;
	if (ds_folder_check(s, err) < 0 || ds_check_names(s, err) < 0 || ds_labels_end(s, err) < 0)
		return -1;
	return ds_folder_note_none(s, err);
}

static int find_format(struct ds_source *s, const char *name, struct err *err)
{
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (strcmp(name, s->layouts[i]->name) == 0) {
			s->format = s->layouts[i];
			return 0;
		}
	return err_fail(err, "unknown format '%s'; --list-formats lists them", name);
}

struct ds_source *ds_open(char *const *paths, size_t n, const struct ds_options *o, struct err *err)
{
	struct ds_source *s = calloc(1, sizeof *s);

	if (!s) {
		err_memory(err);
		return NULL;
	}
	s->o = *o;
	s->layouts = ds_layouts;
	if ((!o->format || find_format(s, o->format, err) == 0) && ds_add_operands(s, paths, n, err) == 0 &&
	    list(s, err) == 0 && ds_number_classes(s, err) == 0 && ds_choose(s, err) == 0)
		return s;
	ds_close(s);
	return NULL;
}

void ds_close(struct ds_source *s)
{
	if (!s)
		return;
	ds_reading_free(s);
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (s->state[i])
			s->layouts[i]->drop(s->state[i]);
	for (size_t i = 0; i < s->n; i++)
		free(s->rows[i].name);
	for (size_t i = 0; i < s->n_files; i++)
		free(s->files[i].path);
	for (size_t i = 0; i < s->n_classes; i++) {
		free(s->classes[i].id);
		free(s->classes[i].name);
	}
	for (size_t i = 0; i < s->n_operands; i++) {
		if (s->operands[i].fd >= 0)
			close(s->operands[i].fd);
		free(s->operands[i].at);
		free(s->operands[i].path);
		free(s->operands[i].prefix);
	}
	ds_map_release(&s->by_id);
	for (size_t i = 0; i < s->once.n; i++)
		free(s->once_path[i]);
	free(s->once_path);
	ds_map_release(&s->once);
	ds_map_release(&s->packed);
	for (size_t i = 0; i < s->n_notes; i++)
		free(s->notes[i]);
	free(s->notes);
	ds_labels_free(s->labels);
	ds_folders_free(s->folders);
	free(s->names);
	free(s->classes);
	free(s->rows);
	free(s->files);
	free(s->operands);
	free(s);
}

size_t ds_ignored(const struct ds_source *s)
{
	return s->ignored;
}

const char *ds_unread(const struct ds_source *s)
{
	return s->unread.text[0] ? s->unread.text : NULL;
}

size_t ds_rows(const struct ds_source *s)
{
	return s->n;
}
