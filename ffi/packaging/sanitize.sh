#!/usr/bin/env bash
# The C tests with the Rust side under AddressSanitizer too. Needs a nightly Rust and gcc; slow.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}/sanitize
triple=x86_64-unknown-linux-gnu
# Without LTO and with the symbols: reports name functions. The static library: a shared one would
# need the runtime of the compiler that links the program.
RUSTFLAGS="-Zsanitizer=address" cargo +nightly build -q --release -p crossgate-ffi \
	--target "$triple" --target-dir "$target" --config 'profile.release.lto="off"' \
	--config 'profile.release.debug="line-tables-only"' --config 'profile.release.strip="none"'
library=$target/$triple/release/libcrossgate.a
nm "$library" 2>/dev/null | grep __asan_report_load >/dev/null || {
	echo "sanitize.sh: the library is not instrumented" >&2
	exit 1
}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
flags=(-std=c11 -g -O1 -pthread -Iinclude -fsanitize=address,undefined
	-fno-sanitize-recover=undefined)
build() { # NAME SOURCES [LIBRARIES]
	# shellcheck disable=SC2086
	"${CC:-gcc}" "${flags[@]}" $2 -o "$target/$1" "$library" "${@:3}" \
		-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
}
build functions "$(echo tests/c/functions/*.c)"
CGTEST_ALLOW_ORIGINS="https://a.example, https://b.example" "$target/functions" "$target" "$version"
build threads tests/c/threads.c
"$target/threads" 5
build fuzz tests/c/fuzz.c
"$target/fuzz" 300000 >/dev/null
if pkg-config --exists jansson; then
	build conformance tests/conformance/c/runner.c $(pkg-config --cflags --libs jansson)
	"$target/conformance" tests/vectors
else
	echo "sanitize.sh: the vectors are skipped, jansson is not installed (Debian: libjansson-dev)"
fi
echo "sanitize.sh: no error, no leak"
