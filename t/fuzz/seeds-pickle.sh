# Pickles, opcode by opcode: the contents of the CIFAR archives, in small.
{
	printf '\200\002}q\001('                                  # protocol 2, a dictionary, its entries
	printf 'U\004dataq\002cnumpy.core.multiarray\n_reconstruct\nq\003cnumpy\nndarray\nq\004K\000\205U\001b\207R'
	printf '(K\001K\002K\003\206cnumpy\ndtype\nU\002u1K\000K\001\207R'
	printf '(K\003U\001|NNNJ\377\377\377\377J\377\377\377\377K\000tb\211U\006abcdeftb'
	printf 'U\006labels](K\001J\005\000\000\000M\002\001e'
	printf 'U\011filenames](U\005a.pngX\003\000\000\000b.peu.'
} >cifar
printf '\200\002}(U\001aG\077\360\000\000\000\000\000\000U\001bJ\052\000\000\000U\001c\212\002\001\002U\001dNU\001e\210u.' >numbers
printf '\200\004\225\020\000\000\000\000\000\000\000}\224(\214\001a\224]\224(K\001K\002eu.' >frame
printf '(dp0\nS'"'data'"'\np1\n(lp2\nI1\naI2\nas.' >old          # protocol 0, refused
printf '\200\003}q\000(C\001aq\001]q\002h\001aC\001bh\001\205u.' >bytes
printf 'cos\nsystem\n(S'"'true'"'\ntR.' >evil                # refused
printf '\200\002]q\000h\000a.' >itself                                       # a list that holds itself
printf '\200\002ccollections\nOrderedDict\nq\000)Rq\001U\001wctorch._utils\n_rebuild_tensor_v2\n((U\007storagectorch\nFloatStorage\nU\0010U\003cpuK\002tQK\000K\002\205K\001\205\211h\000)Rt\122s}b.' >state
printf '\200\002(\212\012l\374\234F\371 j\250P\031ctorch\nSize\n(K\001K\002t\205Rccollections\nOrderedDict\n]]U\001aaa\205R1N.' >odd
