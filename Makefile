# What a person types here. Each target is a script in scripts/ or a few lines.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export JOBS ?= $(shell nproc)

## demo: all stages in one process, with a broker, on this machine
.PHONY: demo
demo: bootstrap
	@scripts/demo

## test: install what is missing, build, run the unit, script and integration tests
.PHONY: test
test:
	@scripts/test

## test-all: test, then the sanitizers and what takes minutes
.PHONY: test-all
test-all:
	@scripts/test --all

## check: format, lint, clang-tidy, headers that stand alone (ALL=1: every file, not only the changed)
.PHONY: check
check:
	@scripts/check $(if $(ALL),--all)

## bench: measure, and compare with the last results
.PHONY: bench
bench: bootstrap
	@bench/run

## build: everything, release preset, into build/release (PRESET=debug|asan|tsan for another)
.PHONY: build
PRESET ?= release
build: bootstrap
	@scripts/build $(PRESET)

## sbom: what is linked in, as CycloneDX, into build/sbom.json
.PHONY: sbom
sbom: bootstrap
	@scripts/sbom

## bootstrap: Debian packages, the libraries of deps.lock, Kafka
.PHONY: bootstrap
bootstrap:
	@scripts/bootstrap

## clean: remove build/ (what bootstrap fetched and built stays in its cache)
.PHONY: clean
clean:
	rm -rf build

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
