#!/usr/bin/env bash
# Checks the workspace with the oldest Rust that it promises, where that toolchain is at hand. Says
# so where it is not: clippy's `incompatible_msrv` and features_and_msrv.py hold it then.
set -euo pipefail
cd "$(dirname "$0")/../.."
msrv=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
if ! { command -v rustup >/dev/null && rustup toolchain list | grep -q "^$msrv"; }; then
	echo "msrv: not built: Rust $msrv is missing (rustup toolchain install $msrv)"
	exit 0
fi
exec cargo "+$msrv" check -q --locked --workspace --all-features \
	--target-dir "${CARGO_TARGET_DIR:-target}/msrv"
