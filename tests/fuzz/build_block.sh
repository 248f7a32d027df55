#!/usr/bin/env bash
# Builds block.c with clang's fuzzer: build_block.sh FOLDER. The C library is built with the
# fuzzer's counters, as cargo-fuzz builds the core for the other targets.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$1
counters="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
counters+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
counters+=" -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"
# With a target, so that build scripts and macros have no counters.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS=$counters cargo build -q --manifest-path "$root/Cargo.toml" -p crossgate-ffi \
	--profile release --config profile.release.lto=false --target "$host" --target-dir "$out/build"
clang -std=c11 -O2 -g -Wall -Wextra -Werror -fsanitize=fuzzer -I"$root/include" \
	"$root/tests/fuzz/block.c" "$out/build/$host/release/libcrossgate.a" \
	-lpthread -lm -ldl -o "$out/block"
