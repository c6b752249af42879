# Two images of 2 x 2, of each form, and labels; some as .npz, stored and deflated.
npy() { printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '$1', 'fortran_order': $2, 'shape': ($3), }"; printf "$4"; }
npy '|u1' False '2, 8, 5, 3' "$(printf %0240d 7)" >hwc.npy
npy '|u1' False '2, 3, 2, 5' "$(printf %060d 7)" >chw.npy
npy '|u1' False '2, 3, 5' "$(printf %030d 7)" >gray.npy
npy '|u1' True '2, 3, 5' "$(printf %030d 7)" >fortran.npy
npy '<f4' False '2, 3, 5' "$(printf %0120d 7)" >floats.npy
npy '<U2' False '2,' "$(printf %016d 7)" >texts.npy
npy '<i2' False '2, 1' '\001\000\000\000' >train_labels.npy
npy '|u1' False '2, 3, 2, 5' "$(printf %060d 7)" >train_images.npy
if command -v python3 >/dev/null; then
	for how in STORED DEFLATED; do python3 -c "import zipfile
z = zipfile.ZipFile('$how', 'w', zipfile.ZIP_$how)
for n in ('train_images.npy', 'train_labels.npy'): z.writestr(zipfile.ZipInfo(n), open(n, 'rb').read(), zipfile.ZIP_$how)
z.close()"; done
fi
unset -f npy
