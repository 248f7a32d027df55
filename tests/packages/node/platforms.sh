#!/usr/bin/env bash
# Builds the packages of the Linux platforms and tries each on its system. Takes long, and fetches
# zig, toolchains and Nodes.
set -euo pipefail
cd "$(dirname "$0")/../../.."
if [ ! -e build/venv-zig/bin/cargo-zigbuild ]; then
	python3 -m venv build/venv-zig
	build/venv-zig/bin/pip install -q --disable-pip-version-check ziglang cargo-zigbuild
fi
export PATH="$PWD/build/venv-zig/bin:$PATH"
for target in {x86_64,aarch64}-unknown-linux-{gnu,musl}; do
	rustup target add "$target"
	node bindings-node/scripts/build.mjs --target="$target"
done
tests/packages/node/runtimes.sh
cd tests/packages/node
CROSSGATE_LONG=1 node --test platforms.test.mjs
