#!/usr/bin/env bash
# Coverage-guided fuzzing of the core and of the flat C call, SECONDS a target (300 if not said).
# Starts from the vectors; what it finds stays in target/fuzz. The core has no unsafe code, so no
# sanitizer slows it down.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-300}
command -v cargo-fuzz >/dev/null || cargo install -q --locked cargo-fuzz
work=$root/target/fuzz
mkdir -p "$work"/corpus/{document,request,block} "$work"/found
"$root/.venv/bin/python" "$root/tests/fuzz/seeds.py" "$work/corpus"
cd "$root/tests/fuzz"
for target in document request; do
	echo "fuzzing: $target for $seconds s"
	cargo fuzz run --fuzz-dir . --target-dir "$work/build" --sanitizer none -O \
		"$target" "$work/corpus/$target" -- \
		-max_total_time="$seconds" -timeout=5 -max_len=20000 -dict=words.dict \
		-artifact_prefix="$work/found/" -print_final_stats=1 >"$work/$target.log" 2>&1 || {
		tail -40 "$work/$target.log" >&2
		exit 1
	}
	grep -E 'number_of_executed_units|peak_rss' "$work/$target.log"
done
echo "fuzzing: block for $seconds s"
"$root/tests/fuzz/build_block.sh" "$work/block"
"$work/block/block" "$work/corpus/block" -max_total_time="$seconds" -timeout=5 -max_len=20000 \
	-dict=words.dict -artifact_prefix="$work/found/" -print_final_stats=1 \
	>"$work/block.log" 2>&1 || {
	tail -40 "$work/block.log" >&2
	exit 1
}
grep -E 'number_of_executed_units|peak_rss' "$work/block.log"
