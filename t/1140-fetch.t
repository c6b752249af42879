#!/bin/sh
# pipelines/fetch.mk against a local server that breaks off, and serves wrong files.
. "$SRC/t/lib.sh"
command -v curl >/dev/null && command -v python3 >/dev/null || skip_all 'no curl, or no python3'
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
mkdir -p site pipelines
cp "$SRC/pipelines/fetch.mk" "$SRC/pipelines/fetch.sh" pipelines
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$scratch"' EXIT
serve() {                              # sets url
	rm -f port; python3 "$SRC/t/helper/serve.py" "$PWD/site" port "$@" & pids="$pids $!"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s port ] && break; sleep 0.2; done
	url=http://127.0.0.1:$(cat port)
}
mkdir -p site/a/b
head -c 4321 /dev/urandom >site/a/one.bin; head -c 100 /dev/urandom >site/a/b/two.bin; echo hello | gzip >site/a/three.gz
md5() { md5sum <"$1" | cut -d' ' -f1; }
cat >pipelines/fetch.txt <<EOF
# a comment
one    one.bin 4321 $(md5 site/a/one.bin) https://far.example/a/one.bin
two    sub/one.bin 4321 $(sha256sum <site/a/one.bin | cut -d' ' -f1) https://far.example/a/one.bin
two    sub/two.bin - $(md5 site/a/b/two.bin) https://far.example/a/b/two.bin?dl=1
three  three.gz - - https://far.example/a/three.gz
gone   gone.bin 10 - https://far.example/a/gone.bin
ask secret Secret wants a form: https://far.example/form
EOF
get() { make -s -f pipelines/fetch.mk DATA=d MIRROR="$url" "$@" >out 2>err; }
parts() { find d -name '*.part' 2>/dev/null | wc -l; }

serve
ok 'a set is one file, or several' 'get one two && cmp d/one.bin site/a/one.bin && cmp d/sub/one.bin site/a/one.bin && cmp d/sub/two.bin site/a/b/two.bin && test $(parts) = 0'
ok 'what is there is not fetched anew' ': >log; get one two && ! test -s log'
ok 'without a checksum: a gzip file is whole, and it is said' 'get three && test "$(gzip -dc d/three.gz)" = hello && grep -q "no checksum is published" err'
ok 'a file that the site does not have' '! get gone && grep -q "gone.bin.: is not at $url/a/gone.bin" err && test ! -e d/gone.bin'
ok 'a set that is on request says where' '! get secret && grep -q "Secret wants a form: https://far.example/form" err'
ok 'a site that is not there' 'url=http://127.0.0.1:9 && rm -f d/one.bin && ! get one && grep -q "no connection" err && test ! -e d/one.bin'
ok 'nothing named: what there is' 'make -s -f pipelines/fetch.mk >out && grep -q "^  two .*2 files" out && grep -q "^  one .*far.example" out && grep -q "secret .*Secret wants" out'

serve
rm -rf d; cp site/a/one.bin keep; printf 'x' | dd of=site/a/one.bin bs=1 seek=99 conv=notrunc 2>/dev/null
ok 'another content: removed, an error' '! get one && grep -q "one.bin.: has the checksum .*, and should have .*removed" err && test ! -e d/one.bin && test $(parts) = 0'
head -c 4000 keep >site/a/one.bin
ok 'another size: likewise' '! get one && grep -q "has 4000 bytes, and should have 4321" err && test ! -e d/one.bin && test $(parts) = 0'
{ cat keep; echo more; } >site/a/one.bin
ok 'too large: likewise' '! get one && grep -q "has 4326 bytes" err && test ! -e d/one.bin'
head -c 3000000 /dev/zero >site/a/one.bin
ok 'far too large: not even all of it' '! get one && grep -q "one.bin.: is larger at .* than the 1052897 bytes" err && test ! -e d/one.bin && test $(parts) = 0'
ok 'no other protocol' 'printf "secret\n" >local; ! sh "$SRC/pipelines/fetch.sh" d/local - - "file://$PWD/local" 2>err && grep -q "leads elsewhere than to http" err && test ! -e d/local'
gzip -c keep | head -c 3000 >site/a/three.gz
ok 'a gzip file that is cut off' '! get three && grep -q "not a whole gzip" err && test ! -e d/three.gz'
echo '<html>Please log in</html>' >site/a/three.gz
ok 'a page in place of the file' '! get three && grep -q "not a whole gzip" err'
cp keep site/a/one.bin

serve break
rm -rf d
ok 'a server that breaks off: five pieces, one file' ': >log; get one && cmp d/one.bin keep && test $(wc -l <log) = 5 && grep -q "bytes=4000-" log && test $(parts) = 0'
ok 'interrupted, it goes on where it was' '
	rm -rf d; mkdir d; head -c 2500 keep >d/one.bin.part; : >log; get one && cmp d/one.bin keep && grep -q "bytes=2500-" log && ! grep -q "bin $" log'
ok 'the beginning of another file: removed, an error' '
	rm -rf d; mkdir d; head -c 2500 /dev/zero >d/one.bin.part; ! get one && grep -q checksum err && test ! -e d/one.bin && get one && cmp d/one.bin keep'
ok 'killed in the middle, there is no file of the final name' '
	rm -rf d; make -s -f pipelines/fetch.mk DATA=d MIRROR="$url" CURL="sh -c '"'"'kill -9 \$PPID'"'"'" one >out 2>&1; test $? != 0 && test ! -e d/one.bin'
serve dead
ok 'a server that never sends a byte is given up' 'rm -rf d; ! get one TRIES=3 && grep -q "breaks off again and again" err && test ! -e d/one.bin'
serve no-range
ok 'a server that cannot go on in the middle: anew' 'rm -rf d; mkdir d; head -c 2500 keep >d/one.bin.part; get one && cmp d/one.bin keep'
ok 'all sets of the real list are well-formed' '
	awk "/^#/ || NF == 0 || /^ask / { next } NF != 5 || \$3 !~ /^[0-9]+\$|^-\$/ || \$4 !~ /^[0-9a-f]+\$|^-\$/ || (length(\$4) != 32 && length(\$4) != 64 && \$4 != \"-\") || \$5 !~ /^https?:/ { print \"# \" \$0; bad = 1 } END { exit bad }" "$SRC/pipelines/fetch.txt" &&
	make -n -f "$SRC/pipelines/fetch.mk" DATA=none cifar10 cifar100 svhn mnist fashion-mnist dtd tiny-imagenet places365 isun lsun-crop | grep -c fetch.sh | grep -qx 17'
done_testing
