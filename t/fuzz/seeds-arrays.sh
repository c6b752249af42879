# Features and labels of every form: .npy, .npz stored and deflated, safetensors, tables; Parquet written by pyarrow.
npy() { printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '$1', 'fortran_order': $2, 'shape': ($3), }"; printf "$4"; }
npy '<f4' False '2, 3' "$(printf %024d 7)" >x.npy
npy '>f8' True '2, 3' "$(printf %048d 7)" >fortran.npy
npy '<f2' False '2, 3, 1, 1' "$(printf %012d 7)" >half.npy
npy '<i2' False '2, 1' '\001\000\000\000' >y.npy
npy '<U2' False '2,' 'a\000\000\000b\000\000\000c\000\000\000\000\000\000\000' >name.npy
npy '|S2' False '2,' 'abcd' >path.npy
if command -v python3 >/dev/null; then
	for how in STORED DEFLATED; do python3 -c "import zipfile
z = zipfile.ZipFile('$how', 'w', zipfile.ZIP_$how)
for n in ('x.npy', 'y.npy', 'name.npy'): z.writestr(zipfile.ZipInfo(n), open(n, 'rb').read(), zipfile.ZIP_$how)
z.close()"; done
fi
entry() { printf '"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}' "$@"; }
{
	json="{$(entry feats BF16 '[2,3]' '[0,12]'),$(entry labels I8 '[2]' '[12,14]'),$(entry fc.weight F32 '[2,3]' '[14,38]'),$(entry fc.bias F32 '[2]' '[38,46]')}"
	printf "\\$(printf %o $((${#json} % 256)))\\$(printf %o $((${#json} / 256)))\\000\\000\\000\\000\\000\\000%s%046d" "$json" 7
} >tensors
printf 'name,f.0,f.1,label\n"a,""b",0.5,1e-3,1\nc,-1,nan,-1\n' >table.csv
printf ',0,1,label\n0,0.5,1,1\n1,1,2,0\n' >pandas.csv
printf '1.5 2.5\n3 4\n' >plain
printf 'energy\tmsp\tlabel\n0.1\t7\t1\n0.2\t9007199254740993\t0\n' >scores.tsv
cp "$SRC"/t/golden/parquet/arrays*.parquet .
unset -f npy entry
