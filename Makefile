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

## sim: simulate crashes, zombies, rebalances and bad disks from a fixed set of seeds (SEEDS=a..b: those)
.PHONY: sim
sim: bootstrap
	@scripts/sim $(SEEDS)

## pillars: what an event streaming system needs, line by line, each shown by a test run now
.PHONY: pillars
pillars: bootstrap
	@scripts/build debug unit_tests >/dev/null
	@scripts/build release binaries integration_tests >/dev/null
	@scripts/pillars

## coverage: lines and branches of core, stream and store that unit tests and simulator run
.PHONY: coverage
coverage: bootstrap
	@scripts/coverage

## planted: show that each of the known defects is found, by the simulator or a named test (BUG=name: one)
.PHONY: planted
planted: bootstrap
	@scripts/planted $(BUG)

## fuzz-smoke: look for inputs that break a decoder, FUZZ_S seconds each (ONLY="frame form": those)
.PHONY: fuzz-smoke
fuzz-smoke: bootstrap
	@scripts/fuzz $(ONLY)

## soak: load, kills and midnights for SOAK_S seconds (180), RATE payments/s (5000); does anything grow?
.PHONY: soak
soak: bootstrap
	@scripts/build shortday soak_binaries
	@scripts/soak

## check: format, lint, clang-tidy, headers that stand alone (ALL=1: every file, not only the changed)
.PHONY: check
check:
	@scripts/check $(if $(ALL),--all)

## bench: measure throughput, latency and cost (PART=recovery: standstills; PART=gateway: the API)
.PHONY: bench
bench: bootstrap
	@bench/$(or $(PART),run)

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

## rack-up: five hosts with systemd on this machine, to try operations on (needs root)
.PHONY: rack-up
rack-up:
	@scripts/rack/rack up

## rack-down: end them
.PHONY: rack-down
rack-down:
	@scripts/rack/rack down

## rack-ssh: a shell on one of them (HOST=node1)
.PHONY: rack-ssh
rack-ssh:
	@scripts/rack/rack ssh $(or $(HOST),$(error HOST=node1 to node5))

## rack-check: what needs no hosts: units, modules, ansible-lint
.PHONY: rack-check
rack-check:
	python3 -B tests/rack/test_units.py
	scripts/rack/ansible-env python -B tests/rack/test_modules.py
	scripts/rack/ansible-env python -B tests/rack/test_questions.py
	scripts/rack/ansible-env python -B tests/rack/test_planted.py
	python3 -B tests/rack/test_figures.py
	scripts/rack/ansible-env python -B tests/rack/test_secrets.py
	scripts/rack/ansible-env python -B tests/rack/test_monitor.py
	scripts/rack/ansible-env python -B tests/rack/test_people.py
	scripts/rack/ansible-env python -B tests/rack/test_backup.py
	scripts/rack/ansible-env python -B tests/rack/test_features.py
	scripts/rack/ansible-env python -B tests/rack/test_cluster.py
	scripts/rack/ansible-env ansible-lint

## rack-planted: every gate is planted to say ok, and its test has to turn red (ONLY="25": some)
.PHONY: rack-planted
rack-planted:
	@scripts/rack/ansible-env python -B tests/rack/planted.py $(ONLY)

## rack-test: every operation and every gate on the rack (ONLY="07 rollback": some; an hour)
.PHONY: rack-test
rack-test: build rack-up
	@scripts/build release integration_tests
	@scripts/rack/release
	@scripts/rack/ansible-env python -B tests/rack/test_rack.py $(ONLY)

# The playbooks: make rack-site, rack-deploy, rack-upgrade, … ARGS="-e host=node4"
rack_verbs := site deploy upgrade rollback rolling_restart broker_rolling_restart drain resume verify scale_out scale_in \
  wipe_and_rebuild wipe_and_update host_maintenance bootstrap rotate_secrets rotate_ca dlq_replay bundle \
  backup restore broker_upgrade broker_replace host_replace
.PHONY: $(rack_verbs:%=rack-%)
$(rack_verbs:%=rack-%): rack-%:
	@scripts/rack/play $* $(ARGS)

## clean: remove build/ (what bootstrap fetched and built stays in its cache)
.PHONY: clean
clean:
	rm -rf build

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
