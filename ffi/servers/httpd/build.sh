#!/usr/bin/env bash
# Builds mod_crossgate.so into OUTDIR: build.sh OUTDIR
# Environment: APXS; CROSSGATE_LIB, where libcrossgate.so is (default: target/release of this tree);
# CROSSGATE_RPATH, where httpd will look for it (default: none, the system's directories).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=${1:?usage: build.sh OUTDIR}
lib=${CROSSGATE_LIB:-$root/target/release}
mkdir -p "$out"
# apxs leaves its intermediate files beside the sources.
sources=("$here"/*.c)
cp "$here"/*.[ch] "$out/"
cd "$out"
"${APXS:-apxs}" -c -Wc,-std=gnu11 -Wc,-Wall -Wc,-Wextra -Wc,-Werror -I"$root/include" \
	-o mod_crossgate.la "${sources[@]##*/}" -L"$lib" -lcrossgate \
	${CROSSGATE_RPATH:+"-Wl,-rpath,$CROSSGATE_RPATH"} >build.log 2>&1 || {
	cat build.log >&2
	exit 1
}
cp .libs/mod_crossgate.so mod_crossgate.so
