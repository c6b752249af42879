#!/bin/sh
# Installs what is missing of the Debian packages that unmask is built from, and says what each is for.
# Does nothing when all is there. On a system without apt it prints the list and stops.
set -eu
need='gcc=C compiler
libc6-dev=C library
pkg-config=finds the libraries
perl=prove, the test runner
libmsgpack-dev=tensor streams
libxxhash-dev=checksums
libyaml-dev=config files
libarchive-dev=archives of images, PyTorch files
libjansson-dev=headers of safetensors
libpng-dev=PNG images
zlib1g-dev=checksums of gzip
libjpeg62-turbo-dev=JPEG images
libwebp-dev=WebP images
liblmdb-dev=LSUN, which is LMDB
libmatio-dev=SVHN, which is MATLAB
curl=downloads of data sets
libopenblas-openmp-dev=matrix products, also those of libtorch
liblapacke-dev=eigenvectors of covariances
mandoc=checks the manual pages
xz-utils=test: archives
python3-msgpack=test: Python reads and writes our streams
python3-msgpack-numpy=test: Python reads and writes our streams
python3-numpy=test: data sets as their sites lay them out
python3-scipy=test: MATLAB files
python3-pil=test: what images should be
python3-lmdb=test: LMDB'
[ "${TORCH:-yes}" = no ] || need="$need
g++=the seam to libtorch"
[ "${TORCH:-yes}" != yes ] || need="$need
libtorch-dev=training, gradients
gnuplot-nox=pictures of experiments"
if [ "${GOLDEN:-}" = yes ]; then
	need="$need
python3-torch=reference numbers of networks
python3-torchvision=reference networks
python3-sklearn=reference metrics"
fi

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
	echo "unmask needs these (names of Debian 12's packages); install them and run make again:"
	echo "$need" | sed 's/=/	/'
	command -v pkg-config >/dev/null 2>&1 &&
		pkg-config --exists msgpack libarchive jansson libpng libjpeg libwebp lmdb zlib libxxhash yaml-0.1 openblas lapacke &&
		echo 'The libraries are here, so going on.' && exit 0
	exit 1
fi
missing=
for line in $(echo "$need" | cut -d= -f1); do
	dpkg-query -W -f='${Status}\n' "$line" 2>/dev/null | grep -q '^install ok installed' ||
		missing="$missing $line"
done
[ -n "$missing" ] || exit 0
echo "installing what unmask needs from Debian's packages:"
for p in $missing; do echo "$need" | sed -n "s/^$p=/  $p: /p"; done
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update
$as_root apt-get -qq install -y --no-install-recommends $missing >/dev/null
