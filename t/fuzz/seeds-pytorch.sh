# Both forms of PyTorch's files: the zip as um-ckpt writes it, the legacy form byte by byte.
"$BUILD/t/helper/golden-net" ckpt densenet:depth=10,growth=1 2 >../seed.ckpt
"$BUILD/um-ckpt" export ../seed.ckpt >zip
tensor() {                             # name, type, key, elements, then shape and strides as opcodes
	printf 'U%bctorch._utils\n_rebuild_tensor_v2\n((U\007storagectorch\n%sStorage\nU\001%sU\003cpuK%btQK%b(%bt(%bt\211ccollections\nOrderedDict\n)RtR' "$@"
}
magic() {
	printf '\200\002\212\012l\374\234F\371 j\250P\031.\200\002M\351\003.\200\002}(U\020protocol_versionM\351\003U\015little_endian\210u.'
}
{
	magic
	printf '\200\002}q\001(U\005epochK\003U\012state_dictccollections\nOrderedDict\n)R('
	tensor '\001w' Float 0 '\006' '\001' 'K\002K\002' 'K\001K\002'
	tensor '\001v' Half 1 '\002' '\000' 'K\002' 'K\001'
	tensor '\001s' Float 0 '\006' '\000' '' ''
	tensor '\001i' Long 2 '\001' '\000' '' ''
	printf 'uU\011optimizer}U\003argcargparse\nNamespace\n)\201}b'
	printf 'u.\200\002](U\0010U\0011U\0012e.'
	printf '\006\000\000\000\000\000\000\000aaaabbbbccccddddeeeeffff\002\000\000\000\000\000\000\000gghh\001\000\000\000\000\000\000\000\007\000\000\000\000\000\000\000'
} >training
{ magic; printf 'cos\nsystem\n(U\004trueR.'; } >evil
printf '\200\002K\001.' >pickle
