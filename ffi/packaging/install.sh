#!/usr/bin/env bash
# Installs the C library: headers, libraries, crossgate.pc and a CMake package. `make install
# PREFIX= DESTDIR=` calls it.
#   PREFIX=/usr/local  where it will be used    LIBDIR=lib  the folder for libraries below it
#   DESTDIR=           put before PREFIX        BUILD=      the folder with cargo's libraries
#                                                           (target/release)
#   TARGET=            the system that it was built for, as Rust names it (this one)
#   STRIP, LD, NM, OBJCOPY, AR, READELF: tools for that system. Without them those of this system,
#                      or with GNU's prefix for another processor (aarch64-linux-gnu-strip).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${PREFIX:-/usr/local} libdir=${LIBDIR:-lib}
target=${TARGET:-}
build=${BUILD:-${CARGO_TARGET_DIR:-$root/target}/${target:+$target/}release}
# What the target's processor is called, and the prefix of GNU's tools for it.
machine=$(uname -m) tools=
if [[ -n $target && ${target%%-*} != "$machine" ]]; then
	machine=${target%%-*}
	tools=$machine-linux-${target##*-}-
	command -v "${tools}strip" >/dev/null || tools=$machine-linux-gnu-
fi
export STRIP=${STRIP:-${tools}strip} LD=${LD:-${tools}ld} NM=${NM:-${tools}nm}
export OBJCOPY=${OBJCOPY:-${tools}objcopy} AR=${AR:-${tools}ar} READELF=${READELF:-readelf}
for tool in "$STRIP" "$LD" "$NM" "$OBJCOPY" "$AR" "$READELF"; do
	command -v "$tool" >/dev/null || {
		echo "install.sh: no $tool: install binutils for ${target:-this system} (Debian:" \
			"binutils-$machine-linux-gnu), or name the tools with STRIP=, LD= and so on" >&2
		exit 1
	}
done
[[ $prefix == /* ]] || { echo "install.sh: PREFIX must be absolute, not $prefix" >&2; exit 2; }
[[ $libdir != /* ]] || { echo "install.sh: LIBDIR is below PREFIX, so not absolute" >&2; exit 2; }
[[ -e $build/libcrossgate.a ]] || {
	echo "install.sh: no $build/libcrossgate.a: run cargo build --release -p crossgate-ffi" \
		"${target:+--target $target }first" >&2
	exit 1
}
# Some systems (musl's) have no shared libraries of Rust: the archive alone is installed.
is_shared=
[[ ! -e $build/libcrossgate.so ]] || is_shared=1
# A library for another system must not be installed in silence.
found=$("$READELF" -h "$build/libcrossgate.a" 2>/dev/null | sed -n 's/^ *Machine: *//p' | sort -u)
case $machine in
x86_64) expected='Advanced Micro Devices X86-64' ;;
aarch64) expected=AArch64 ;;
armv7) expected=ARM ;;
riscv64gc) expected=RISC-V ;;
*) expected=$found ;;
esac
[[ $found == "$expected" ]] || {
	echo "install.sh: $build/libcrossgate.a is for $found, not for $machine" >&2
	exit 1
}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
abi=$(sed -n 's/^#define CROSSGATE_ABI_VERSION \([0-9]*\)$/\1/p' "$root/include/crossgate.h")
# What the static library needs of the system: our crates link to nothing, so this is the standard
# library's list. Into a folder of its own: rustc replaces the file that it writes, and root may
# replace /dev/null.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The unwinder is left to the C compiler, which knows the shared and the static one, and so is its C
# library. With musl, Rust brings an unwinder that goes into the archive: a compiler that wraps one
# for glibc has none that fits.
unwinder=$("${RUSTC:-rustc}" ${target:+--target "$target"} --print target-libdir)
unwinder=$unwinder/self-contained/libunwind.a
[[ -e $unwinder ]] || unwinder=
private=$("${RUSTC:-rustc}" ${target:+--target "$target"} --crate-name empty \
	--crate-type staticlib --print native-static-libs --out-dir "$scratch" - </dev/null 2>&1 |
	sed -n 's/^note: native-static-libs: //p' | sed -E 's/-l(gcc_s|unwind|c)( |$)//g; s/ +$//')
[[ -n $version && -n $abi ]] || {
	echo "install.sh: cannot tell version or ABI" >&2
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

if [[ $is_shared ]]; then
	install -m 755 "$build/libcrossgate.so" "$lib/libcrossgate.so.$version"
	"$STRIP" --strip-unneeded "$lib/libcrossgate.so.$version"
	ln -sf "libcrossgate.so.$version" "$lib/libcrossgate.so.$abi"
	ln -sf "libcrossgate.so.$abi" "$lib/libcrossgate.so"
fi
"$root/ffi/packaging/prelink.sh" "$build/libcrossgate.a" "$lib/libcrossgate.a" $unwinder
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
