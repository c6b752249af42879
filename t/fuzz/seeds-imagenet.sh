# One row of 1 x 1 with a label, pickled and as .npz, stored and deflated.
{
	printf '\200\002}q\001('
	printf 'U\004dataq\002cnumpy.core.multiarray\n_reconstruct\nq\003cnumpy\nndarray\nq\004K\000\205U\001b\207R'
	printf '(K\001K\001K\003\206cnumpy\ndtype\nU\002u1K\000K\001\207R'
	printf '(K\003U\001|NNNJ\377\377\377\377J\377\377\377\377K\000tb\211U\003abctbU\006labels](K\001eu.'
} >pickle
npy() { printf '\223NUMPY\001\000\166\000%-117s\n' "$1"; }
{ npy "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3), }"; printf abc; } >data.npy
{ npy "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }"; printf '\001\000\000\000\000\000\000\000'; } >labels.npy
if command -v python3 >/dev/null; then
	for how in STORED DEFLATED; do python3 -c "import zipfile
z = zipfile.ZipFile('$how', 'w', zipfile.ZIP_$how)
for n in ('data.npy', 'labels.npy'): z.writestr(zipfile.ZipInfo(n), open(n, 'rb').read(), zipfile.ZIP_$how)
z.close()"; done
fi
