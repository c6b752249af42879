#!/bin/sh
# deb.sh TARBALL VERSION DIR: builds Debian packages into DIR from the sources in TARBALL (make dist). TORCH=no: all but
# unmask-torch. DEBFULLNAME and DEBEMAIL name the maintainer, as for dch, else git's configuration does. debian/ is
# t/helper/debian, with the changelog generated here. deb.sh --check: only says which program for it is missing.
set -eu
for need in dh dpkg-buildpackage gcc g++ xz; do
	command -v $need >/dev/null || {
		echo "make deb needs $need: apt install build-essential debhelper xz-utils, and make deps" >&2; exit 1; }
done
name=${DEBFULLNAME:-$(git config user.name || true)} mail=${DEBEMAIL:-$(git config user.email || true)}
[ -n "$name" ] && [ -n "$mail" ] || { echo 'make deb: set DEBFULLNAME and DEBEMAIL, who makes the packages' >&2; exit 1; }
[ "$1" != --check ] || exit 0
tarball=$1 version=$(echo "$2" | tr - '~') dir=$3
rm -rf "$dir/source"
mkdir -p "$dir/source"
tar xf "$tarball" -C "$dir/source" --strip-components=1
cd "$dir/source"
cp -r t/helper/debian debian
sed -i "s/@MAINTAINER@/$name <$mail>/" debian/control
chmod +x debian/rules
cat >debian/changelog <<END
unmask ($version) unstable; urgency=medium

  * Built from the sources by make deb.

 -- $name <$mail>  $(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y Makefile)}")
END
profiles=
[ "${TORCH:-yes}" != no ] || profiles=--build-profiles=pkg.unmask.notorch
unset MAKEFLAGS MFLAGS MAKELEVEL TORCH LIBTORCH SANITIZE CI CC CXX
dpkg-buildpackage --build=binary --unsigned-changes $profiles ${JOBS:+-j$JOBS}
cd ..
rm -rf source
ls -- *.deb
