/* SPDX-License-Identifier: MIT
 * The pickle reader: it reads data and nothing else, and hostile files do no harm. */
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "pickle/pickle.h"

static struct err err;
static const struct pickle_name names[] = { PICKLE_NUMPY,
					    { "collections OrderedDict", PICKLE_MAKES_DICT },
					    { "m Thing", PICKLE_MAKES_OBJECT },
					    { "m Size", PICKLE_MAKES_LIST },
					    { "m Storage", PICKLE_MAKES_NOTHING },
					    { 0 } };

#define READ(bytes) pickle_read(bytes, sizeof bytes - 1, names, &err)

static bool refused(const char *bytes, size_t len, const char *because)
{
	struct pickle *k = pickle_read(bytes, len, names, &err);

	if (k) {
		pickle_free(k);
		return false;
	}
	if (strstr(err.text, because))
		return true;
	printf("# %s\n", err.text);
	return false;
}
#define REFUSED(bytes, because) refused(bytes, sizeof bytes - 1, because)

static const char array[] = "\x80\x02}(U\x04"
			    "datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
			    "b\x87R"
			    "(K\x01K\x02K\x03\x86"
			    "cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff"
			    "\xff\xffK\0tb\x89U\x06"
			    "abcdeftbU\x01n]q\x05(K\x07M\x01\x02J\xfe\xff\xff\xff\x8a\x02\x18\xfc"
			    "G?\xf8\0\0\0\0\0\0\x88Neu.";

static void values(void)
{
	char good[sizeof array];
	struct pickle *k;
	const struct pickle_value *a, *n;
	size_t len = sizeof array - 1;

	memcpy(good, array, sizeof array);
	k = pickle_read(good, len, names, &err);
	a = k ? pickle_get(pickle_root(k), "data") : NULL;
	n = k ? pickle_get(pickle_root(k), "n") : NULL;
	ok(a && a->type == PICKLE_ARRAY && a->ndim == 2 && a->shape[0] == 2 && a->shape[1] == 3 &&
		   strcmp(a->dtype, "u1") == 0 && a->n == 6 && memcmp(a->s, "abcdef", 6) == 0,
	   "an array");
	ok(n && n->type == PICKLE_LIST && n->n == 7 && n->item[0]->i == 7 && n->item[1]->i == 513 &&
		   n->item[2]->i == -2 && n->item[3]->i == -1000 && n->item[4]->f == 1.5 && n->item[5]->i == 1 &&
		   n->item[6]->type == PICKLE_NONE,
	   "numbers of every size, true, none");
	pickle_free(k);
	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut ? cut : 1);
		memcpy(part, good, cut);
		k = pickle_read(part, cut, names, &err);
		if (k)
			break;
		free(part);
	}
	ok(!k, "cut off anywhere: an error");
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			good[i] ^= (char)(1 << bit);
			pickle_free(pickle_read(good, len, names, &err));
			good[i] ^= (char)(1 << bit);
		}
	ok(1, "any bit changed does no harm");
}

/* How Python 3 writes bytes in protocol 2, and arrays in Fortran order. */
static void encoded(void)
{
	struct pickle *k = READ("\x80\x02"
				"c_codecs\nencode\nX\x04\0\0\0a\xc3\xbf"
				"bX\6\0\0\0latin1\x86R.");
	const struct pickle_value *v = k ? pickle_root(k) : NULL;

	ok(v && v->type == PICKLE_STR && v->n == 3 &&
		   memcmp(v->s,
			  "a\xff"
			  "b",
			  3) == 0,
	   "encoded bytes");
	pickle_free(k);
	k = READ("\x80\x02"
		 "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
		 "b\x87R"
		 "(K\x01K\x02K\x03\x86U\x02u1\x88U\x06"
		 "abcdeftb.");
	v = k ? pickle_root(k) : NULL;
	ok(v && v->type == PICKLE_ARRAY && v->fortran, "an array in Fortran order says so");
	pickle_free(k);
}

/* Names that the table maps, and names that it does not have. */
static void objects(void)
{
	static const char text[] = "\x80\x02"
				   "ccollections\nOrderedDict\n)R}U\x01xNsb(U\x01"
				   "aK\x01U\x01"
				   "bcm\nThing\n(K\x05t\x81"
				   "}bU\x01"
				   "c(cm\nStorage\nU\x03keytQu.behind";
	struct pickle *k = READ(text);
	const struct pickle_value *v;

	v = k ? pickle_root(k) : NULL;
	ok(v && v->type == PICKLE_DICT && v->n == 6 && pickle_get(v, "a")->i == 1, "an OrderedDict");
	if (v) {
		const struct pickle_value *b = pickle_get(v, "b"), *c = pickle_get(v, "c");
		ok(b->type == PICKLE_OBJECT && strcmp(b->s, "m Thing") == 0 && b->n == 2 && b->item[0]->n == 1 &&
			   b->item[0]->item[0]->i == 5 && b->item[1]->type == PICKLE_DICT,
		   "an object: arguments and state");
		ok(c->type == PICKLE_PERSISTENT && c->item[0]->n == 2 && c->item[0]->item[0]->type == PICKLE_NAME &&
			   pickle_is(c->item[0]->item[1], "key"),
		   "a persistent id");
		ok(pickle_size(k) == sizeof text - 7, "where it ends");
	}
	pickle_free(k);
	k = READ("\x80\x02"
		 "cm\nStorage\nQcm\nSize\nQ0.");
	v = k && pickle_persistent(k, 0) ? pickle_persistent(k, 0)->item[0] : NULL;
	ok(v && strcmp(v->s, "m Storage") == 0 && pickle_persistent(k, 1) && !pickle_persistent(k, 2),
	   "all persistent ids");
	pickle_free(k);
	k = READ("\x80\x02"
		 "ccollections\nOrderedDict\n]]U\x01"
		 "aaK\x07"
		 "a\x85R.");
	ok(!k, "pairs that are none");
	pickle_free(k);
	k = READ("\x80\x02(ccollections\nOrderedDict\n]]U\x01"
		 "aaa\x85Rcm\nSize\n(K\x02K\x03t\x85R\x8a\x0al\xfc\x9c"
		 "F\xf9 j\xa8P\x19l.");
	ok(!k, "pairs of one");
	pickle_free(k);
	k = READ("\x80\x02(ccollections\nOrderedDict\n](]U\x01"
		 "aaK\x04"
		 "ae\x85Rcm\nSize\n(K\x02K\x03t\x85R\x8a\x0al\xfc\x9c"
		 "F\xf9 j\xa8P\x19l.");
	v = k ? pickle_root(k) : NULL;
	ok(v && v->n == 3 && v->item[0]->type == PICKLE_DICT && pickle_get(v->item[0], "a") &&
		   pickle_get(v->item[0], "a")->i == 4,
	   "an OrderedDict as Python 2 writes it");
	ok(v && v->item[1]->type == PICKLE_LIST && v->item[1]->n == 2, "a list that a name makes");
	ok(v && v->item[2]->type == PICKLE_LONG && v->item[2]->n == 10 && v->item[2]->s[0] == 'l', "a long integer");
	pickle_free(k);
}

/* NumPy's own forms: numbers, byte orders, arrays as protocol 5 has them. */
static void numpy(void)
{
	static const char buffer[] =
		"\x80\x05\x8c\x12numpy.core.numeric\x8c\x0b_frombuffer\x93(\x96\x04\0\0\0\0\0\0\0\1\2\3\4"
		"cnumpy\ndtype\n\x8c\2u2\x89\x88\x87RK\2\x85\x8c\1CtR.";
	struct pickle *k =
		READ("\x80\x02(cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\2i4K\0K\1\x87R(K\3U\1<"
		     "NNNtbU\4\xfe\xff\xff\xff\x86R"
		     "cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nU\2i2K\0K\1\x87R(K\3U\1>NNNtbU\2\1\2\x86R"
		     "cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nU\2f4K\0K\1\x87RU\4\0\0\xc0?\x86Rl.");
	const struct pickle_value *v = k ? pickle_root(k) : NULL;

	ok(v && v->n == 3 && v->item[0]->type == PICKLE_INT && v->item[0]->i == -2 && v->item[1]->i == 0x102 &&
		   v->item[2]->type == PICKLE_FLOAT && v->item[2]->f == 1.5,
	   "NumPy's numbers, of both byte orders");
	pickle_free(k);
	k = READ(buffer);
	v = k ? pickle_root(k) : NULL;
	ok(v && v->type == PICKLE_ARRAY && strcmp(v->dtype, "u2") == 0 && v->ndim == 1 && v->shape[0] == 2 &&
		   v->n == 4 && memcmp(v->s, "\1\2\3\4", 4) == 0,
	   "an array as protocol 5 has it");
	pickle_free(k);
	k = READ("\x80\x02"
		 "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
		 "b\x87R"
		 "(K\x01K\x01\x85"
		 "cnumpy\ndtype\nU\2i2K\0K\1\x87R(K\3U\1>NNNtb\x89U\2\1\2tb.");
	v = k ? pickle_root(k) : NULL;
	ok(v && strcmp(v->dtype, ">i2") == 0, "an array of the other byte order says so");
	pickle_free(k);
	ok(REFUSED("\x80\x02"
		   "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\2i4K\0K\1\x87RU\3abc\x86R.",
		   "bad call of 'numpy.core.multiarray scalar'"),
	   "a number of too few bytes");
	ok(REFUSED("\x80\x02"
		   "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
		   "b\x87R(K\1K\1\x85U\2O8\x89]Natb.",
		   "array of unknown elements 'O8'"),
	   "an array of objects");
}

/* A table that ends in PICKLE_OTHERS: any name makes an inert object. */
static void others(void)
{
	static const struct pickle_name any[] = { PICKLE_NUMPY, PICKLE_OTHERS, { 0 } };
	static const char text[] = "\x80\x04(cos\nsystem\nU\1x\x85Rcos\nsystem\nU\1y\x85Rca\nDict\n)\x81U\1kK\5s}b"
				   "ca\nList\n)\x81K\6a"
				   "ca\nKeyed\n)}\x92"
				   "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
				   "b\x87R(K\1K\1\x85U\2O8\x89]Natb)Rl.";
	struct pickle *k = pickle_read(text, sizeof text - 1, any, &err);
	const struct pickle_value *v = k ? pickle_root(k) : NULL;

	ok(v && v->n == 6 && v->item[0]->type == PICKLE_OBJECT && strcmp(v->item[0]->s, "os system") == 0 &&
		   pickle_is(v->item[1]->item[0]->item[0], "y"),
	   "an object of what would be called");
	ok(v && pickle_get(v->item[2], "k") && pickle_get(v->item[2], "k")->i == 5,
	   "of a kind of dictionary a dictionary");
	ok(v && v->item[3]->type == PICKLE_LIST && v->item[3]->item[0]->i == 6, "of a kind of list a list");
	ok(v && v->item[4]->type == PICKLE_OBJECT && v->item[5]->type == PICKLE_OBJECT,
	   "of keyword arguments, and of what is called in place of a name");
	ok(k && strcmp(pickle_unknown(k, 0), "os system") == 0 && strcmp(pickle_unknown(k, 1), "a Dict") == 0 &&
		   strcmp(pickle_unknown(k, 3), "a Keyed") == 0 && !pickle_unknown(k, 4),
	   "unknown names, each once");
	pickle_free(k);
}

/* Small files that demand much memory. */
static void greedy(void)
{
	enum { N = PICKLE_MAX_VALUES + 1, TEXT = 1 << 12, CALLS = 100 };
	char *many = malloc(N + 3), *p = many;

	memcpy(many, "\x80\x02", 2);
	memset(many + 2, 'N', N);
	ok(refused(many, N + 2, "values"), "a million and one values");
	p = memcpy(many,
		   "\x80\x02"
		   "c_codecs\nencode\nq\0X\0\x10\0\0",
		   25);
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
	objects();
	numpy();
	others();
	greedy();
	ok(REFUSED("cos\nsystem\n(S'echo x'\ntR.", "refuses to call 'os.system'"), "os.system, by name");
	ok(REFUSED("\x80\x04\x8c\x08"
		   "builtins\x8c\x04"
		   "eval\x93\x8c\x01x\x85R.",
		   "refuses to call 'builtins.eval'"),
	   "builtins.eval in protocol 4, by name");
	ok(REFUSED("\x80\x02"
		   "cnumpy\nload\n.",
		   "refuses to call 'numpy.load'"),
	   "other functions of NumPy");
	ok(REFUSED("\x80\x02K\x01\x81.", "bad call"), "an object of something that is no name");
	ok(REFUSED("\x80\x02K\x01\x82.", "refuses opcode 0x82"), "opcodes that data does not need");
	ok(REFUSED("\x80\x02"
		   "cm\nStorage\n)R.",
		   "bad call of 'm Storage'"),
	   "a name that is not to be called");
	ok(REFUSED("\x80\x02T\xff\xff\xff\x7f"
		   "abc.",
		   "cut off"),
	   "a string of 2 GiB that is not there");
	ok(REFUSED("\x80\x02]r\xff\xff\xff\xff.", "bad memo"), "a memo of 4 billion places");
	ok(REFUSED("\x80\x02]j\x05\0\0\0.", "bad memo"), "a memo that was never filled");
	ok(REFUSED("\x80\x02(K\x01K\x02.", "one value"), "more than one value");
	ok(REFUSED("\x80\x02"
		   "0.",
		   "stack is empty"),
	   "nothing to pop");
	ok(REFUSED("\x80\x02"
		   "2.",
		   "stack is empty"),
	   "nothing to copy");
	ok(REFUSED("\x80\x02Q.", "stack is empty"), "a persistent id of nothing");
	ok(REFUSED("\x80\x02"
		   "d.",
		   "no mark"),
	   "a dictionary without a mark");
	ok(REFUSED("\x80\x02"
		   "ccollections\nOrderedDict\nK\x01\x85R.",
		   "something other than pairs"),
	   "pairs of a number");
	ok(REFUSED("\x80\x02}(K\x01u.", "nothing to add to"), "a key without a value");
	ok(REFUSED("\x80\x02K\x01"
		   "a.",
		   "nothing to add to"),
	   "nothing to append to");
	{
		struct pickle *k = READ("\x80\x02]q\0h\0a."); /* a list in itself */
		const struct pickle_value *v = k ? pickle_root(k) : NULL;
		ok(v && v->n == 1 && v->item[0] == v, "a list that holds itself");
		pickle_free(k);
	}
	return done();
}
