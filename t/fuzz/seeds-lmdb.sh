# Two images, and one too large for a page.
"$BUILD/t/helper/image-gen" png 3 2 >../lmdb.png
if command -v /usr/bin/python3 >/dev/null; then
	/usr/bin/python3 -c "import lmdb, os
png = open('../lmdb.png', 'rb').read()
for name, more in (('small', 0), ('large', 6000)):
    e = lmdb.open('../lmdb.' + name, map_size=1 << 16, subdir=False, lock=False)
    with e.begin(write=True) as t:
        for k in (b'a', b'b/c'): t.put(k, png + b'\0' * more)
    e.close()
    os.rename('../lmdb.' + name, name)"
fi
