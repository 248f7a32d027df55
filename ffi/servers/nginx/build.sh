#!/usr/bin/env bash
# Builds the dynamic module for Debian's nginx (packages: nginx, nginx-dev): build.sh OUTDIR
# The result is OUTDIR/ngx_http_crossgate_module.so.
#
#   CROSSGATE_INCLUDE  where crossgate.h is             (this repository's include/)
#   CROSSGATE_LIB      where libcrossgate.so is         (this repository's target/release/)
#   CROSSGATE_RPATH    where nginx finds it at run time (not set: where the system's linker looks)
#   CROSSGATE_STATIC   1: put libcrossgate.a into the module, so that there is one file to install
#   NGINX_SRC          nginx's headers and configure    (/usr/share/nginx/src)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
mkdir -p "${1:?usage: build.sh OUTDIR}"
out=$(cd "$1" && pwd)
lib=${CROSSGATE_LIB:-$root/target/release}
source=${NGINX_SRC:-/usr/share/nginx/src}

[[ -e $source/conf_flags ]] || { echo "build.sh: no nginx-dev in $source" >&2; exit 1; }
export CROSSGATE_INCLUDE=${CROSSGATE_INCLUDE:-$root/include}
if [[ ${CROSSGATE_STATIC:-} == 1 ]]; then
	# Hidden, since nginx loads modules RTLD_GLOBAL and another one may have another version of the
	# library in it.
	export CROSSGATE_LIBS="-Wl,--exclude-libs,ALL $lib/libcrossgate.a -lgcc_s -lpthread -lm -ldl"
else
	export CROSSGATE_LIBS="-L$lib -lcrossgate ${CROSSGATE_RPATH:+-Wl,-rpath,$CROSSGATE_RPATH}"
fi

# The flags of the installed nginx: a module that was configured with others is "not binary
# compatible".
cd "$source"
# shellcheck disable=SC1091
. ./conf_flags
bash ./configure --builddir="$out" --add-dynamic-module="$here" "${NGX_CONF_FLAGS[@]}" \
	--with-cc-opt="$(dpkg-buildflags --get CFLAGS) -fPIC $(dpkg-buildflags --get CPPFLAGS) \
		-Wall -Wextra -Werror -Wno-unused-parameter" \
	--with-ld-opt="$(dpkg-buildflags --get LDFLAGS) -fPIC" >"$out/configure.log" ||
	{ tail -n 20 "$out/configure.log" >&2; exit 1; }
make -s -f "$out/Makefile" modules >"$out/make.log" 2>&1 || { cat "$out/make.log" >&2; exit 1; }
echo "$out/ngx_http_crossgate_module.so"
