#!/usr/bin/env bash
# Packs the crate as `cargo publish` would, builds what was packed with every feature, and lets
# nothing pass that cargo warns of. `cargo publish --dry-run` does the same and asks the registry
# besides.
set -euo pipefail
cd "$(dirname "$0")/../.."
said=$(cargo package --locked --allow-dirty --all-features --package crossgate 2>&1) || {
	echo "$said"
	exit 1
}
if grep -q '^warning' <<<"$said"; then
	echo "$said"
	exit 1
fi
echo "$said" | grep Packaged
