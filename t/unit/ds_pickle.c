/* SPDX-License-Identifier: MIT
 * The pickle reader: data in, nothing else, and nothing hostile does harm. */
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "ds/ds.h"
#include "ds/ds_pickle.h"

static char err[DS_ERR];

#define READ(bytes) ds_pickle_read(bytes, sizeof bytes - 1, err)

static bool refused(const char *bytes, size_t len, const char *because)
{
	struct ds_pickle *k = ds_pickle_read(bytes, len, err);

	if (k) {
		ds_pickle_free(k);
		return false;
	}
	if (strstr(err, because))
		return true;
	printf("# %s\n", err);
	return false;
}
#define REFUSED(bytes, because) refused(bytes, sizeof bytes - 1, because)

static const char array[] =
	"\x80\x02}(U\x04""datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01""b\x87R"
	"(K\x01K\x02K\x03\x86""cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff"
	"\xff\xffK\0tb\x89U\x06""abcdeftbU\x01n]q\x05(K\x07M\x01\x02J\xfe\xff\xff\xff\x8a\x02\x18\xfc"
	"G?\xf8\0\0\0\0\0\0\x88Neu.";

static void values(void)
{
	char good[sizeof array];
	struct ds_pickle *k;
	const struct ds_value *a, *n;
	size_t len = sizeof array - 1;

	memcpy(good, array, sizeof array);
	k = ds_pickle_read(good, len, err);
	a = k ? ds_value_get(ds_pickle_root(k), "data") : NULL;
	n = k ? ds_value_get(ds_pickle_root(k), "n") : NULL;
	ok(a && a->type == DS_ARRAY && a->ndim == 2 && a->shape[0] == 2 && a->shape[1] == 3 &&
	   strcmp(a->dtype, "u1") == 0 && a->n == 6 && memcmp(a->s, "abcdef", 6) == 0, "an array");
	ok(n && n->type == DS_LIST && n->n == 7 && n->item[0]->i == 7 && n->item[1]->i == 513 &&
	   n->item[2]->i == -2 && n->item[3]->i == -1000 && n->item[4]->f == 1.5 && n->item[5]->i == 1 &&
	   n->item[6]->type == DS_NONE, "numbers of every size, true, none");
	ds_pickle_free(k);
	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut ? cut : 1);
		memcpy(part, good, cut);
		k = ds_pickle_read(part, cut, err);
		if (k)
			break;
		free(part);
	}
	ok(!k, "cut off anywhere: an error");
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			good[i] ^= (char)(1 << bit);
			ds_pickle_free(ds_pickle_read(good, len, err));
			good[i] ^= (char)(1 << bit);
		}
	ok(1, "any bit changed does no harm");
}

/* What Python 3 writes for bytes in protocol 2, and for arrays in Fortran order. */
static void encoded(void)
{
	struct ds_pickle *k = READ("\x80\x02""c_codecs\nencode\nX\x04\0\0\0a\xc3\xbf""bX\6\0\0\0latin1\x86R.");
	const struct ds_value *v = k ? ds_pickle_root(k) : NULL;

	ok(v && v->type == DS_STR && v->n == 3 && memcmp(v->s, "a\xff""b", 3) == 0, "encoded bytes");
	ds_pickle_free(k);
	k = READ("\x80\x02""cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01""b\x87R"
		 "(K\x01K\x02K\x03\x86U\x02u1\x88U\x06""abcdeftb.");
	v = k ? ds_pickle_root(k) : NULL;
	ok(v && v->type == DS_ARRAY && v->fortran, "an array in Fortran order says so");
	ds_pickle_free(k);
}

/* Small files that ask for much memory. */
static void greedy(void)
{
	enum { N = DS_MAX_VALUES + 1, TEXT = 1 << 12, CALLS = 100 };
	char *many = malloc(N + 3), *p = many;

	memcpy(many, "\x80\x02", 2);
	memset(many + 2, 'N', N);
	ok(refused(many, N + 2, "values"), "a million and one values");
	p = memcpy(many, "\x80\x02""c_codecs\nencode\nq\0X\0\x10\0\0", 25) ;
	p += 25;
	memset(p, 'a', TEXT);
	p += TEXT;
	p = (char *)memcpy(p, "q\1X\6\0\0\0latin1q\2", 15) + 15;
	for (int i = 0; i < CALLS; i++)
		p = (char *)memcpy(p, "h\0h\1h\2\x86R", 8) + 8;
	ok(refused(many, (size_t)(p - many), "again and again"), "a text that is encoded a hundred times");
	free(many);
}

int main(void)
{
	values();
	encoded();
	greedy();
	ok(REFUSED("cos\nsystem\n(S'echo x'\ntR.", "refuses to call 'os.system'"), "os.system, by name");
	ok(REFUSED("\x80\x04\x8c\x08""builtins\x8c\x04""eval\x93\x8c\x01x\x85R.",
		   "refuses to call 'builtins.eval'"), "builtins.eval in protocol 4, by name");
	ok(REFUSED("\x80\x02""cnumpy\nload\n.", "refuses to call 'numpy.load'"), "other functions of NumPy");
	ok(REFUSED("\x80\x02K\x01\x81.", "refuses opcode 0x81"), "opcodes that make objects");
	ok(REFUSED("\x80\x02T\xff\xff\xff\x7f""abc.", "cut off"), "a string of 2 GiB that is not there");
	ok(REFUSED("\x80\x02]r\xff\xff\xff\xff.", "bad memo"), "a memo of 4 billion places");
	ok(REFUSED("\x80\x02]j\x05\0\0\0.", "bad memo"), "a memo that was never filled");
	ok(REFUSED("\x80\x02(K\x01K\x02.", "one value"), "more than one value");
	ok(REFUSED("\x80\x02""0.", "stack is empty"), "nothing to pop");
	ok(REFUSED("\x80\x02K\x01""a.", "nothing to add to"), "nothing to append to");
	{
		struct ds_pickle *k = READ("\x80\x02]q\0h\0a.");       /* a list in itself */
		const struct ds_value *v = k ? ds_pickle_root(k) : NULL;
		ok(v && v->n == 1 && v->item[0] == v, "a list that holds itself");
		ds_pickle_free(k);
	}
	return done();
}
