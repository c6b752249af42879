#!/bin/sh
# Installs the missing ones of the packages that unmask needs, and prints what each is for. Does nothing if none is
# missing. On a system without apt, it prints the list and stops.
#   TORCH=yes|no|own   libtorch from the system's packages, none, or one of the user's    GOLDEN=yes   `make golden` too
#   CLUSTER=yes        the launchers that tests try
#   BUNDLE=yes         `make bundle` too              CC=clang[-14]  that compiler as well, for SANITIZE= with its runtime
# A line is NAME=PURPOSE; NAME may be OLD|NEW..., where the first one available is taken.
set -eu
need='gcc=C compiler
libc6-dev=C library
pkg-config|pkgconf=finds the libraries
perl=prove, the test runner
libmsgpack-c-dev|libmsgpack-dev=tensor streams
libxxhash-dev=checksums
libyaml-dev=config files
libarchive-dev=archives of images, PyTorch files
libjansson-dev=headers of safetensors
libpng-dev=PNG images
zlib1g-dev=checksums of gzip
libjpeg-dev=JPEG images
libwebp-dev=WebP images
libgif-dev=GIF images
liblmdb-dev=LSUN, which is LMDB
libmatio-dev=SVHN, which is MATLAB
libsnappy1v5=images as Parquet
libzstd1=images as Parquet
libsixel1=ds-view on terminals that show sixels
curl=downloads of data sets
gnuplot-nox=pictures of experiments
libopenblas0-openmp=matrix products and eigenvectors, also for libtorch
mandoc=test: the manual pages are clean
bzip2=test: archives
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
libtorch-dev=GPUs, --engine torch; make deps TORCH=no does without
libgloo-dev=test: ranks that add up through libtorch"
[ "${BUNDLE:-}" != yes ] || need="$need
binutils=stripped programs
zstd=the packed bundle"
case ${CC:-gcc} in
clang*) need="$need
$CC=C compiler
libomp${CC#clang}-dev=threads of clang's programs
clang-format=make format"
	[ -z "${SANITIZE:-}" ] || need="$need
libclang-rt${CC#clang}-dev=sanitizers of clang" ;;
esac
[ "${CLUSTER:-}" != yes ] || need="$need
openmpi-bin=test: ranks under Open MPI
mpich=test: ranks under MPICH
slurmctld=test: jobs and ranks under Slurm
slurmd=test: jobs and ranks under Slurm
slurm-client=test: jobs and ranks under Slurm
munge=test: Slurm
parallel=test: shards by GNU parallel
openssh-server=test: ranks by ssh
openssh-client=test: ranks by ssh
iproute2=test: machines as network namespaces"
[ "${GOLDEN:-}" != yes ] || need="$need
python3-torch=reference numbers of networks
python3-torchvision=reference networks
python3-sklearn=reference metrics"

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
	echo 'unmask needs these (names of Debian packages); install them and run make again:'
	echo "$need" | sed 's/=/	/; s/|/ or /g'
	command -v pkg-config >/dev/null 2>&1 &&
		pkg-config --exists libarchive jansson libpng libjpeg libwebp libwebpdemux libgif lmdb zlib libxxhash yaml-0.1 &&
		{ pkg-config --exists msgpack-c || pkg-config --exists msgpack; } &&
		echo 'The libraries are here, so going on.' && exit 0
	exit 1
fi

names() { echo "${1%%=*}" | tr '|' ' '; }
is_installed() {                       # one of the line's names
	for p in $(names "$1"); do
		dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' && return
	done
	return 1
}
has_candidate() { apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'; }
choose() {                             # prints the first of the line's names that can be installed
	for p in $(names "$1"); do has_candidate "$p" && echo "$p" && return; done
	return 1
}
each() { echo "$need" | while IFS= read -r line; do "$@" "$line"; done; }
missing() { is_installed "$1" || echo "$1"; }

need=$(each missing)
[ -n "$need" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update
echo "installing what unmask needs from the system's packages:"
offer() { p=$(choose "$1") && echo "  $p: ${1#*=}" >&2 && echo "$p" || true; }
lack() { choose "$1" >/dev/null || echo "$1"; }
packages=$(each offer)
absent=$(each lack)
[ -z "$packages" ] || $as_root apt-get -qq install -y --no-install-recommends $packages >/dev/null
[ -n "$absent" ] || exit 0
echo "$absent" | sed 's/^\([^=]*\)=/  not among the packages of this system: \1: /' >&2
case $absent in
*libtorch-dev*) echo 'without libtorch-dev: make LIBTORCH=DIR names a libtorch, make TORCH=no builds without' >&2 ;;
esac
# Packages that only tests need may be missing; the test then reports that it is skipped.
! echo "$absent" | grep -q -v '=test: '
