#!/bin/sh
# bundle.sh DIR [LIBRARY...]: puts into the bundle DIR every shared library that its bin/, libexec/ and lib/unmask/
# load, and each LIBRARY with those it loads, except glibc's; and their licences, from the packages that they came from.
# For a LIBRARY.a, which is linked into the programs, it adds only the licence.
set -eu
dir=$(cd "$1" && pwd -P); shift
fail() { echo "bundle: $*" >&2; exit 1; }
mkdir -p "$dir/lib"
glibc='^(ld-linux.*|linux-vdso|lib(c|m|dl|rt|pthread|resolv|util|mvec|anl|nsl|BrokenLocale|nss_.*))\.so'

licence() {                            # FILE of a package
	package=$(dpkg-query -S "$1" 2>/dev/null || dpkg-query -S "${1#/usr}" 2>/dev/null) ||
		fail "$1 belongs to no package, so its licence is not known"
	package=${package%%:*}
	mkdir -p "$dir/share/doc/$package"
	cp -L "/usr/share/doc/$package/copyright" "$dir/share/doc/$package/" || fail "no licence of $package"
}
needs() {                              # SONAME PATH of what these load, as the loader finds it; PATH is - if not found
	ldd "$@" | awk '/=> not found/ { print $1, "-" } $2 == "=>" && $3 ~ /^\// { print $1, $3 }'
}

for library; do
	case $library in *.a) licence "$(readlink -f "$library")" ;; esac
done
{
	needs "$dir"/bin/* $(find "$dir/libexec" -type f 2>/dev/null) $(find "$dir/lib/unmask" -name '*.so' 2>/dev/null)
	for library; do
		case $library in *.a) continue ;; esac
		echo "$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p') $library"
		needs "$library"
	done
} | sort -u | grep -v -E "$glibc" | while read -r soname path; do
	[ "$path" != - ] || fail "$soname is nowhere on this system"
	path=$(readlink -f "$path")
	case $path in "$dir"/*) continue ;; esac
	cp "$path" "$dir/lib/$soname"
	chmod 644 "$dir/lib/$soname"
	licence "$path"
done

# Packages refer to the licences that every Debian has by path.
mkdir -p "$dir/share/doc/common-licenses"
grep -oh '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$dir"/share/doc/*/copyright | sort -u | while read -r text; do
	[ ! -f "$text" ] || cp -L "$text" "$dir/share/doc/common-licenses/"
done
