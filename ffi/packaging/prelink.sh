#!/usr/bin/env bash
# Makes of the archive that cargo builds one in which only crossgate_* is global, so that a program
# can link two Rust libraries, and which holds nothing that no function of ours uses.
#   prelink.sh libcrossgate.a OUTPUT.a [OTHER.a]: what it uses of the other one goes in, too
#   LD, NM, OBJCOPY, AR: tools for the archive's system; without them those of this one
set -euo pipefail
ld=${LD:-ld} nm=${NM:-nm} objcopy=${OBJCOPY:-objcopy} ar=${AR:-ar}
input=$(realpath "$1") output=$(realpath -m "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t exports < <("$nm" --defined-only --extern-only "$input" 2>/dev/null |
	sed -n 's/^[0-9a-f]* T \(crossgate_[a-z0-9_]*\)$/\1/p' |
	grep -vx crossgate_no_backtrace | sort -u)
((${#exports[@]})) || { echo "prelink.sh: no crossgate_* function in $input" >&2; exit 1; }
roots=() global=()
for name in "${exports[@]}"; do roots+=(-u "$name") global+=(--keep-global-symbol="$name"); done
# As ffi/build.rs does with the shared library; see ffi/src/no_backtrace.rs.
shown='_RNvX.*BacktraceLock.*16DisplayBacktraceNtNt.*4core3fmt7Display3fmt'
legacy='_ZN.*DisplayBacktrace\$u20\$as\$u20\$core\.\.fmt\.\.Display\$GT\$3fmt17h[0-9a-f]*E'
symbols=$("$nm" --defined-only "$input" 2>/dev/null)
backtrace=$(sed -En "s/^[0-9a-f]* T ($shown|$legacy)\$/\1/p" <<<"$symbols" | sort -u)
if [[ -n $backtrace && $symbols == *" crossgate_no_backtrace"* ]]; then
	roots+=(--defsym "$backtrace=crossgate_no_backtrace")
fi
# --force-group-allocation: otherwise the group of DW.ref.rust_eh_personality stays open.
"$ld" -r --gc-sections --force-group-allocation -e "${exports[0]}" "${roots[@]}" \
	-o "$work/crossgate.o" "$input" ${3+"$3"}
"$objcopy" -R .llvmbc -R .llvmcmd "${global[@]}" --strip-debug "$work/crossgate.o"
# With the same date each time, so that the same input gives the same archive.
"$ar" rcsD "$work/one.a" "$work/crossgate.o"
mkdir -p "$(dirname "$output")"
mv "$work/one.a" "$output"
