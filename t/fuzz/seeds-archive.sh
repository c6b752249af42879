# Two small images, in every archive format, one of them a tar of tars.
mkdir -p ../archive-files/cat ../archive-files/dog
"$BUILD/t/helper/image-gen" png 3 2 >../archive-files/cat/a.png
"$BUILD/t/helper/image-gen" webp 3 2 >../archive-files/dog/b.webp
pack() { tar --format="$1" -b 1 -C ../archive-files --sort=name --owner=0 --group=0 --mtime=@0 -cf - cat dog; }
pack ustar >ustar; pack pax >pax; pack gnu >gnu
gzip -nc ustar >gz; xz -c ustar >xz
for c in bzip2 zstd lz4; do ! command -v $c >/dev/null || $c -qc ustar >$c; done
cp ustar ../archive-files/n00000001.tar; tar -b 1 -C ../archive-files -cf nested n00000001.tar; rm ../archive-files/*.tar
ln -sf cat ../archive-files/link; tar -b 1 -C ../archive-files -cf links cat link; rm ../archive-files/link
if command -v /usr/bin/python3 >/dev/null; then
	for how in STORED DEFLATED BZIP2 LZMA; do /usr/bin/python3 -c "import zipfile
z = zipfile.ZipFile('zip-$how', 'w', zipfile.ZIP_$how)
for n in ('cat/a.png', 'dog/b.webp'): z.writestr(zipfile.ZipInfo(n), open('../archive-files/' + n, 'rb').read(), zipfile.ZIP_$how)
z.close()"; done
fi
