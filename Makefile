# `make demo` shows the main job, `make test` runs every test; both set up and build what they need.
.PHONY: setup build demo test test-long lint fmt bench install clean
PREFIX ?= /usr/local
CFLAGS := -std=c11 -O2 -Wall -Wextra -Werror -Iinclude
LINK := -Ltarget/release -lcrossgate -Wl,-rpath,'$$ORIGIN/../target/release'

demo: build ## four servers, one policy file, the same answers
	@.venv/bin/python tests/demo/demo.py

test: $(if $(findstring ?,$(TOPIC)),,build) ## every test; TOPIC=core one topic, TOPIC=? lists them
	@.ci/test '$(TOPIC)'

test-long: build ## many more random cases
	tests/fuzz/run.sh
	PROPTEST_CASES=200000 cargo test --release -p crossgate --test reference
	CROSSGATE_SEARCH=60000 cargo test --release -q -p crossgate --test breadth
	CROSSGATE_SWAPS=20000000 cargo test --release -q -p crossgate --test shared
	cargo test -q -p crossgate-c-tests -- --ignored
	ffi/packaging/sanitize.sh
	CROSSGATE_LONG=1 CROSSGATE_REGEXES=40000 npm test --prefix bindings-node --silent
	CROSSGATE_REGEXES=40000 .venv/bin/python -m pytest -q bindings-python/tests/test_regexes.py
	npm run test:panic --prefix bindings-node --silent
	node tests/peers/node/releases/run.mjs
	tests/packages/node/clients/setup
	cd tests/packages/node && CROSSGATE_LONG=1 node --test packed.test.mjs clients.test.mjs
	tests/packages/node/platforms.sh

lint: build
	@.ci/lint

fmt: setup
	@.ci/format

bench: build
	cargo bench -q -p crossgate --bench ratios
	cargo bench -q -p crossgate --bench evaluate
	cargo bench -q -p crossgate --features tracing --bench observe
	cargo bench -q -p crossgate-c-tests --bench against_core
	cargo bench -q -p crossgate-peers --bench layers
	.venv/bin/python tests/peers/python/bench_asgi.py
	.venv/bin/python tests/peers/python/bench_wsgi.py
	.venv/bin/python tests/peers/python/bench_django.py
	node tests/peers/node/express/bench.mjs
	node tests/peers/node/frameworks/bench.mjs
	.venv/bin/python tests/modules/nginx/instructions.py
	.venv/bin/python tests/modules/nginx/bench.py

# The C library: make install PREFIX= DESTDIR=, with SMALL=1 the one without documents, regexes,
# IDNA and public suffixes, with TARGET= for another system.
install: TARGET ?= $(CARGO_BUILD_TARGET)
install:
	cargo build -q -p crossgate-ffi $(if $(TARGET),--target $(TARGET)) \
		$(if $(SMALL),--profile small --no-default-features,--release)
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' TARGET='$(TARGET)' \
		BUILD="$${CARGO_TARGET_DIR:-target}/$(addsuffix /,$(TARGET))$(if $(SMALL),small,release)" \
		ffi/packaging/install.sh

setup:
	@.ci/setup

build: setup
	@mkdir -p build
	@echo "building: C library and the Rust server"
	@cargo build -q --release -p crossgate-ffi -p crossgate-demo-server
	@ln -sf libcrossgate.so target/release/libcrossgate.so.0
	@echo "building: Python"
	@.venv/bin/maturin develop --release -m bindings-python/Cargo.toml >build/python.log 2>&1 \
		|| (cat build/python.log; exit 1)
	@echo "building: Node"
	@npm run build --prefix bindings-node --silent >build/node.log 2>&1 \
		|| (cat build/node.log; exit 1)
	@$(CC) $(CFLAGS) ffi/examples/libmicrohttpd.c -o build/libmicrohttpd $(LINK) \
		$$(pkg-config --cflags --libs libmicrohttpd)
	@$(CC) $(CFLAGS) tests/conformance/c/runner.c -o build/conformance-c $(LINK) \
		$$(pkg-config --cflags --libs jansson)

clean:
	cargo clean
	rm -rf build .venv bindings-node/node_modules bindings-node/crossgate.node bindings-node/npm
