# make demo   the main job: a host, a merchant, a till and real baskets in one command
# make test   everything CI runs
# make bench  what it costs, beside what it is measured against (BENCH="--quick", "--only p1,p5", "--full")
# make fuzz   the fuzz targets for longer: make fuzz SECONDS=600
# All install what a fresh Debian machine lacks (as root), or say what to install.

CARGO ?= cargo
BASKETS ?=
LISTEN ?= 127.0.0.1:8080
DATA ?= demo-data
SECONDS ?= 15
PGBIN ?= /usr/lib/postgresql/15/bin
BENCH ?=

.PHONY: demo test bench fuzz build policies setup-build setup-test setup-bench setup-fuzz help

help:
	@sed -n '1,5s/^# //p' Makefile

demo: build
	./target/debug/punchcard demo --listen $(LISTEN) --data $(DATA) $(if $(BASKETS),--baskets $(BASKETS))

# The host alone, with the features it has in the whole workspace, so that nothing is built twice.
build: setup-build
	$(CARGO) build --workspace --bin punchcard

# The integration tests run twice: on SQLite with everything else, then on PostgreSQL, but for those that choose their
# database themselves.
ONE_DATABASE = kill::a_host power_cut:: restart:: hosts::

test: setup-build setup-test
	$(CARGO) fmt --all --check
	$(MAKE) -C rules check
	python3 -m doctest tests/recompute.py
	$(CARGO) build --workspace
	$(MAKE) -C rules verify
	$(CARGO) test --workspace --no-fail-fast
	PUNCHCARD_TEST_DB=postgres $(CARGO) test --workspace --test integration -- $(ONE_DATABASE:%=--skip %)
	$(CARGO) clippy --workspace --all-targets --features fuzz/libfuzzer -- -D warnings
	$(MAKE) fuzz

# Only our own crates are built once more; dependencies are those of the other builds (docs/decisions/008-fuzzing.md).
fuzz: setup-build setup-fuzz
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/tests/fuzz/sancov $(CARGO) build --workspace --features fuzz/libfuzzer --bin fuzz
	SECONDS=$(SECONDS) ./target/debug/fuzz

# A workspace of its own: the engines it compares with are built only here. One of them builds for long and may not
# build everywhere; then it is left out, and the table says so.
bench: setup-build setup-bench
	-$(CARGO) build --release --manifest-path bench/Cargo.toml --package zen
	$(CARGO) run --release --manifest-path bench/Cargo.toml --package bench -- $(BENCH)

# Builds rules/*/policy.wasm from source; the committed ones serve machines without a wasm target.
policies:
	$(MAKE) -C rules build

setup-build:
	@sh deploy/need cc:gcc make:make

setup-fuzz:
	@sh deploy/need c++:g++

setup-test: setup-fuzz
	@sh deploy/need cc:gcc python3:python3 strace:strace curl:curl openssl:openssl $(PGBIN)/initdb:postgresql-15 /usr/lib/rustlib/src/rust/library/std/Cargo.toml:rust-web-src /usr/bin/rustc:rustc-web

setup-bench:
	@sh deploy/need c++:g++ strace:strace $(PGBIN)/pgbench:postgresql-15
