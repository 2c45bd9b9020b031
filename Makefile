# make demo   the main job: a host, a merchant, a till and real baskets in one command
# make test   everything CI runs
# Both install what a fresh Debian machine lacks (as root), or say what to install.

CARGO ?= cargo
BASKETS ?=
LISTEN ?= 127.0.0.1:8080
DATA ?= demo-data
PGBIN ?= /usr/lib/postgresql/15/bin

.PHONY: demo test build lint policies check-policies bench setup-build setup-test help

help:
	@sed -n '1,3s/^# //p' Makefile

demo: build
	./target/debug/punchcard demo --listen $(LISTEN) --data $(DATA) $(if $(BASKETS),--baskets $(BASKETS))

build: setup-build
	$(CARGO) build --workspace

test: setup-build setup-test
	$(CARGO) fmt --all --check
	$(MAKE) -C rules check
	$(CARGO) test --workspace --no-fail-fast
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# Builds rules/*/policy.wasm from source; the committed ones serve machines without a wasm target.
policies:
	$(MAKE) -C rules build

setup-build:
	@sh deploy/need cc:gcc make:make

setup-test:
	@sh deploy/need cc:gcc python3:python3 strace:strace $(PGBIN)/initdb:postgresql-15
