# Rows of CIFAR-10 and of CIFAR-100, and pickles: a batch, its names.
{ printf '\003'; head -c 3072 /dev/zero; printf '\007'; head -c 3072 /dev/zero; } >ten
{ printf '\003\017'; head -c 3072 /dev/zero; } >hundred
{
	printf '\200\002}q\001('
	printf 'U\004dataq\002cnumpy.core.multiarray\n_reconstruct\nq\003cnumpy\nndarray\nq\004K\000\205U\001b\207R'
	printf '(K\001K\001M\000\014\206cnumpy\ndtype\nU\002u1K\000K\001\207R'
	printf '(K\003U\001|NNNJ\377\377\377\377J\377\377\377\377K\000tb\211T\000\014\000\000'
	head -c 3072 /dev/zero
	printf 'tbU\006labels](K\001eU\011filenames](U\005a.pngeU\013batch_labelU\025training batch 1 of 5u.'
} >batch
printf '\200\002}(U\013label_names](U\003catU\003dogeu.' >names
