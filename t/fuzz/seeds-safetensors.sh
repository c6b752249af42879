# safetensors: as um-ckpt writes it, with masks too, and by hand in every type.
for kind in ckpt scores-layer; do
	"$BUILD/t/helper/golden-net" $kind densenet:depth=10,growth=1 2 >../seed.ckpt
	"$BUILD/um-ckpt" export --format safetensors ../seed.ckpt >$kind
done
entry() { printf '"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}' "$@"; }
{
	json="{\"__metadata__\":{\"a\":\"b\"},$(entry a F64 '[1]' '[0,8]'),$(entry module.b BF16 '[2,1]' '[8,12]'),$(entry c BOOL '[]' '[12,13]'),$(entry d I16 '[0,5]' '[13,13]'),$(entry e I8 '[1,1,1]' '[13,14]')}"
	printf "\\$(printf %o $((${#json} % 256)))\\$(printf %o $((${#json} / 256)))\\000\\000\\000\\000\\000\\000%s" "$json"
	printf 'aaaaaaaabbbbcd'
} >types
