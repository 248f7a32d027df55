#!/usr/bin/env bash
# Compares the crate's interface with that of the last release, or with that of the git revision in
# BASELINE. Says what is missing where it cannot.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v cargo-semver-checks >/dev/null; then
	echo "semver: not checked: cargo-semver-checks is missing:" \
		"cargo install cargo-semver-checks --locked"
	exit 0
fi
baseline=${BASELINE:-$(git tag --list 'v[0-9]*' --sort=-version:refname | head -n 1)}
if [ -z "$baseline" ]; then
	echo "semver: not checked: there is no release yet (no tag v*);" \
		"BASELINE=<revision> compares with a revision"
	exit 0
fi
exec cargo semver-checks --package crossgate --all-features --baseline-rev "$baseline"
