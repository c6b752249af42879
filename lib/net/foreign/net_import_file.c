/* SPDX-License-Identifier: MIT
 * Makes a checkpoint of a file, and reports what it leaves out. */
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_foreign.h"
#include "net/foreign/net_import_internal.h"
#include "net/foreign/net_recorded.h"
#include "ts/ts_images.h"

/* Reports what is in the file but not in the tensors that were read, and why. */
static void say_left(const struct net_foreign *f, const struct net_import *how)
{
	struct net_importing im = { .how = how };

	if (*f->key)
		net_import_say(&im, false, "using the state dict under '%s'%s%s", f->key,
			       *f->others ? "; choose another with --key:" : "", f->others);
	if (*f->module)
		net_import_say(
			&im, false,
			"the tensors were taken out of a module of class '%s', which is not run: what it computes "
			"beyond its layers is not in the file",
			f->module);
	if (*f->unknown)
		net_import_say(&im, false,
			       "objects of unknown classes are not created, and none of their functions is called: %s",
			       f->unknown);
	if (*f->left)
		net_import_say(&im, false, "tensors whose numbers cannot be read are left out: %s", f->left);
	if (f->skipped)
		net_import_say(&im, false, "%zu entries of the state are left out", f->skipped);
}

/* Networks of timm's that pad or shrink maps otherwise than others with the same tensors: their state does not tell,
 * but the dictionary that timm's train.py saves has their name. */
static int check_name(const struct net_foreign *f, const struct net_import *how, struct err *err)
{
	char *arch = NULL;
	const char *name;
	int rc = 0;

	if (how->arch || ts_meta_get_str(&f->meta, "arch", &arch) != 1)
		return 0;
	name = strrchr(arch, '/') ? strrchr(arch, '/') + 1 : arch; /* hf-hub:timm/NAME */
	if (strncmp(name, "tf_", 3) == 0 || strstr(name, "resnetblur") || strstr(name, "resnetaa"))
		rc = err_fail(err,
			      "its 'arch' is '" ERR_NAME "', a network of timm's with the tensors of another but other "
			      "arithmetic: export it to ONNX (man unmask-onnx), or if that is not what it is, say what "
			      "it is with --arch",
			      arch);
	free(arch);
	return rc;
}

/* The caller's names of the classes, or those that the file records. */
static int name_classes(struct net_checkpoint *c, const struct net_import *how, struct err *err)
{
	struct net_importing im = { .how = how };

	if (c->classes)
		return 0;
	if (!how->names) {
		net_import_say(&im, false,
			       "its classes have no names: labels are taken for the model's numbers; --classes FILE "
			       "names them, one per line");
		return 0;
	}
	if (how->classes != (size_t)c->net->classes)
		return err_fail(err, "--classes names %zu classes, one per line; the network has %d", how->classes,
				c->net->classes);
	c->classes = ts_copy_classes(how->names, how->classes);
	c->n_classes = how->classes;
	return c->classes ? 0 : err_memory(err);
}

static int import_state(struct net_checkpoint *c, struct net_foreign *f, const struct net_import *how, struct err *err)
{
	struct net_import of_file = *how;
	struct net_importing im = { .how = how };
	struct net_recorded r;
	struct err doubt;
	int rc = net_recorded_read(&r, &f->meta) < 0 ? err_memory(err) : 0;

	of_file.left = f->left;
	if (rc == 0 && net_recorded_fill(&r, &of_file, &doubt))
		net_import_say(&im, false, "%s", doubt.text);
	if (rc == 0)
		rc = net_import(c, &f->state, &of_file, err);
	if (rc == 0 && how->names)
		rc = name_classes(c, how, err);
	if (rc == 0)
		rc = net_recorded_take(&r, c, err);
	if (rc == 0)
		rc = name_classes(c, how, err);
	net_recorded_release(&r);
	return rc;
}

int net_import_file(struct net_checkpoint *c, const char *path, const char *key, const struct net_import *how,
		    struct err *err)
{
	struct net_foreign f;
	int rc = -1;

	if (net_foreign_read(&f, path, key, err) < 0)
		return -1;
	if (net_foreign_is_own(&f)) {
		err_fail(err, "is a checkpoint already");
	} else if (check_name(&f, how, err) == 0) {
		say_left(&f, how);
		rc = import_state(c, &f, how, err);
	}
	if (rc < 0)
		err_prefix(err, "'%s': ", net_foreign_name(path));
	net_foreign_release(&f);
	return rc;
}
