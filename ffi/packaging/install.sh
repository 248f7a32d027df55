#!/usr/bin/env bash
# Installs the C library: headers, libraries, crossgate.pc and a CMake package. `make install
# PREFIX= DESTDIR=` calls it.
#   PREFIX=/usr/local  where it will be used    LIBDIR=lib  the folder for libraries below it
#   DESTDIR=           put before PREFIX        BUILD=      the folder with cargo's libraries
#   (target/release)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${PREFIX:-/usr/local} libdir=${LIBDIR:-lib}
build=${BUILD:-${CARGO_TARGET_DIR:-$root/target}/release}
[[ $prefix == /* ]] || { echo "install.sh: PREFIX must be absolute, not $prefix" >&2; exit 2; }
[[ $libdir != /* ]] || { echo "install.sh: LIBDIR is below PREFIX, so not absolute" >&2; exit 2; }
for file in libcrossgate.so libcrossgate.a; do
	[[ -e $build/$file ]] || {
		echo "install.sh: no $build/$file: run cargo build --release -p crossgate-ffi first" >&2
		exit 1
	}
done
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
abi=$(sed -n 's/^#define CROSSGATE_ABI_VERSION \([0-9]*\)$/\1/p' "$root/include/crossgate.h")
# What the static library needs of the system: our crates link to nothing, so this is the standard
# library's list. Into a folder of its own: rustc replaces the file that it writes, and root may
# replace /dev/null.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
private=$(rustc --crate-name empty --crate-type staticlib --print native-static-libs \
	--out-dir "$scratch" - </dev/null 2>&1 | sed -n 's/^note: native-static-libs: //p')
[[ -n $version && -n $abi && -n $private ]] || {
	echo "install.sh: cannot tell version, ABI or native libraries" >&2
	exit 1
}

to=${DESTDIR:-}$prefix
lib=$to/$libdir
# From a folder below PREFIX back to it: what is installed can be moved.
up() { realpath -ms --relative-to="/p/$1" /p; }

install -d "$to/include" "$lib/pkgconfig" "$lib/cmake/crossgate"
install -m 644 "$root/include/crossgate.h" "$to/include/"
[[ ! -e $root/include/crossgate.hpp ]] ||
	install -m 644 "$root/include/crossgate.hpp" "$to/include/"

install -m 755 "$build/libcrossgate.so" "$lib/libcrossgate.so.$version"
strip --strip-unneeded "$lib/libcrossgate.so.$version"
ln -sf "libcrossgate.so.$version" "$lib/libcrossgate.so.$abi"
ln -sf "libcrossgate.so.$abi" "$lib/libcrossgate.so"
"$root/ffi/packaging/prelink.sh" "$build/libcrossgate.a" "$lib/libcrossgate.a"
chmod 644 "$lib/libcrossgate.a"

fill() { # TEMPLATE TARGET
	sed -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@LIBDIR@|$libdir|g" \
		-e "s|@PRIVATE@|$private|g" -e "s|@UP_PC@|$(up "$libdir/pkgconfig")|g" \
		-e "s|@UP_CMAKE@|$(up "$libdir/cmake/crossgate")|g" \
		"$root/ffi/packaging/$1" >"$2"
	chmod 644 "$2"
}
fill crossgate.pc.in "$lib/pkgconfig/crossgate.pc"
fill crossgate-config.cmake.in "$lib/cmake/crossgate/crossgate-config.cmake"
fill crossgate-config-version.cmake.in "$lib/cmake/crossgate/crossgate-config-version.cmake"
