# One target per need; `make` alone lists them. Everything a target needs it sets up itself, in .venv*.
# A stamp file in the environment remembers what was installed: repeats are quick and need no network.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# The first Python that is new enough, and a Rust that is (empty: build and test the pure backend only).
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(OLD_ENOUGH)' 2>/dev/null && echo $$p && break; done)
MSRV := $(shell sed -n 's/^rust-version = "1\.\([0-9]*\)".*/\1/p' Cargo.toml)
NATIVE ?= $(shell v=$$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p'); \
	[ "$${v:-0}" -ge $(MSRV) ] && echo yes)

VENV := .venv
# The newest LiteLLM that can be installed, or LITELLM=1.106.2: each has an environment of its own.
LITELLM ?=
LITELLM_VENV := .venv-litellm$(LITELLM:%=-%)
SDK_VENV := .venv-sdk
PRIVAITE_VENV := .venv-privaite
STORES_VENV := .venv-stores
PRESIDIO_VENV := .venv-presidio
RENDERERS_VENV := .venv-renderers
FRAMEWORKS_VENV := .venv-frameworks
# LlamaIndex needs an older openai than the others.
LLAMAINDEX_VENV := .venv-llamaindex
PEERS_VENV := .venv-peers
DOCS_VENV := .venv-docs
MUTANTS_VENV := .venv-mutants
SBOM_VENV := .venv-sbom
# LiteLLM's objects are timed where LiteLLM is.
BENCH_VENV := $(if $(wildcard $(LITELLM_VENV)/.installed),$(LITELLM_VENV),$(VENV))
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.$(if $(NATIVE),native,pure)
CHECKED := dist/.checked-$(if $(NATIVE),native,pure)
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
# The fuzz target of the core is a workspace of its own.
FUZZ_CRATE := --manifest-path fuzz/core/Cargo.toml
SHARED_BY_THREADS := tests/test_matcher.py tests/test_vectors.py   # what a thread may share
NO_RUST := echo "-- no Rust >= 1.$(MSRV) here: using the pure Python backend, which does the same, slower --"

HOSTS := litellm sdk privaite stores presidio renderers frameworks   # markers of tests with a target and an environment of their own
SLOW := $(HOSTS) faults   # and of those that take minutes

# Three, so that `make -k lint` goes on after one that fails.
ALL_LINTS := lint-style lint-types lint-rust
# Every target with a line of help.
.PHONY: $(ALL_LINTS) $(shell sed -n 's/^\([a-z0-9-]*\):.*## .*/\1/p' $(firstword $(MAKEFILE_LIST)))
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(INSTALLED) ## watch a cut stream being restored
	@$(BIN)/holdback demo

# What pytest makes of a test file is kept, also where other programs are not to write bytecode.
test test-thorough test-faults: export PYTHONDONTWRITEBYTECODE :=
test: $(INSTALLED) ## the whole suite on both backends, and the Rust core's own tests
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(BIN)/python -m pytest -n auto --dist worksteal -m "$(SLOW:%=not % and) not heavy"
	$(BIN)/python tools/smoke.py $(if $(NATIVE),native,pure)
ifneq ($(NATIVE),)
	cargo test --locked
endif

test-thorough: $(INSTALLED) ## the tests that ask a share in `make test`: every cut of every vector, more examples
	HOLDBACK_THOROUGH=1 $(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(BIN)/python -m pytest -n auto --dist worksteal \
		-m "(thorough or hypothesis) and $(SLOW:%=not % and) not heavy"

test-faults: $(INSTALLED) ## faults at every step of a stream, floods, and memory
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(BIN)/python -m pytest -n auto --dist worksteal -m "faults and $(HOSTS:%=not % and) not heavy"

test-heavy: $(INSTALLED) ## hostile streams in full size: a gigabyte of `<`, 100,000 choices (minutes)
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(BIN)/python -m pytest -m heavy -o faulthandler_timeout=1200

test-litellm: $(LITELLM_VENV)/.installed ## the tests that need LiteLLM, the newest or LITELLM=1.106.2 (environments of 0.8 GB)
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(LITELLM_VENV)/bin/python -m pytest -m litellm

test-sdk: $(SDK_VENV)/.installed ## the tests with the real clients of OpenAI, Anthropic, Google and Ollama
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(SDK_VENV)/bin/python -m pytest -m sdk

test-privaite: $(PRIVAITE_VENV)/.installed ## the tests with PrivAiTe itself
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(PRIVAITE_VENV)/bin/python -m pytest -m privaite

test-stores: $(STORES_VENV)/.installed ## the tests of the stores and of a fleet of gateways, with a real redis-server (or valkey-server) where there is one
	@command -v redis-server valkey-server >/dev/null || \
		echo "-- no redis-server here (apt-get install redis-server): the tests of RedisStore are skipped --"
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(STORES_VENV)/bin/python -m pytest -m stores
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(STORES_VENV)/bin/python -m pytest tests/masking tests/secrecy -k "masking or stores"

test-presidio: $(PRESIDIO_VENV)/.installed ## the tests with Presidio itself (no model is fetched)
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(PRESIDIO_VENV)/bin/python -m pytest -m presidio

test-renderers: $(RENDERERS_VENV)/.installed ## what renderers of Markdown and HTML make of restored answers
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(RENDERERS_VENV)/bin/python -m pytest -m renderers

test-frameworks: $(FRAMEWORKS_VENV)/.installed $(LLAMAINDEX_VENV)/.installed ## the recipes for agent frameworks, with each real package (1 GB)
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(FRAMEWORKS_VENV)/bin/python -m pytest -m frameworks
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(LLAMAINDEX_VENV)/bin/python -m pytest -m frameworks -k llama_index

test-threads: $(INSTALLED) ## the tests of the matcher, each in several threads at once
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(BIN)/python -m pytest --parallel-threads=4 $(SHARED_BY_THREADS)

SECONDS ?= 60
fuzz: $(INSTALLED) $(VENV)/.fuzz ## coverage-guided fuzzing of core, twins, places and wire, for SECONDS=60 (TARGETS=core, SEED=n)
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) $(BIN)/python -m fuzz --seconds $(SECONDS) \
		$(if $(SEED),--seed $(SEED)) $(or $(TARGETS),$(if $(NATIVE),,twins places wire))

mutants: $(MUTANTS_VENV)/.installed ## change the Python code bit by bit and see which tests notice, for hours (MODULES="wire _pure.json_source")
	$(MUTANTS_VENV)/bin/python tools/mutants $(MODULES)

# Ends with 2 if a mutant survived, with 3 if one was still running when its time was up: both are results.
mutants-rust: $(MUTANTS_VENV)/bin/cargo-mutants ## the same for the Rust core (MODULES="json scan")
	mkdir -p build/mutants/rust
	PATH="$(abspath $(MUTANTS_VENV))/bin:$$PATH" PROPTEST_RNG_SEED=1 PROPTEST_MAX_SHRINK_ITERS=0 cargo mutants \
		--config tools/mutants/cargo.toml --package holdback-core --output build/mutants/rust \
		$(foreach module,$(MODULES),--file rust/core/src/$(module).rs) || test $$? -le 3

lint: $(ALL_LINTS) ## formatters, linters, types, and the stub against the built module
lint-style: $(VENV)/.tools
	$(BIN)/ruff format --check
	$(BIN)/ruff check
lint-types: $(INSTALLED)
	$(BIN)/mypy
	$(if $(NATIVE),MYPYPATH=python $(BIN)/stubtest --mypy-config-file pyproject.toml holdback._native)
lint-rust:
	$(if $(NATIVE),cargo fmt --check,@$(NO_RUST))
	$(if $(NATIVE),cargo clippy --locked --workspace --all-targets -- -D warnings)
	$(if $(NATIVE),cargo fmt $(FUZZ_CRATE) --check)
	$(if $(NATIVE),cargo clippy $(FUZZ_CRATE) --locked --no-default-features -- -D warnings)

format: $(VENV)/.tools ## rewrite the sources the way lint wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(if $(NATIVE),cargo fmt && cargo fmt $(FUZZ_CRATE))

bench: $(INSTALLED) $(BENCH_VENV)/.peers ## timings beside the peer's, then the figures to reach (FULL=1: all of them)
	$(if $(FULL),HOLDBACK_BENCH=full) $(BENCH_VENV)/bin/python -m pytest benches --benchmark-only
	$(if $(FULL),HOLDBACK_BENCH=full) $(BENCH_VENV)/bin/python -m benches.micro.report
	$(if $(FULL),HOLDBACK_BENCH=full) $(BENCH_VENV)/bin/python -m benches.micro.kinds
	$(if $(FULL),HOLDBACK_BENCH=full) $(BENCH_VENV)/bin/python -m benches.micro.models
	$(if $(FULL),HOLDBACK_BENCH=full) $(BENCH_VENV)/bin/python -m benches.micro.policies
	$(if $(FULL),HOLDBACK_BENCH=full) $(BENCH_VENV)/bin/python -m benches.micro.masking_report

bench-e2e: $(INSTALLED) $(BENCH_VENV)/.peers ## whole servers on loopback, with holdback off and on (FULL=1: longer)
	$(if $(FULL),HOLDBACK_BENCH=full) PYTHONPATH=tests/support $(BENCH_VENV)/bin/python -m benches.e2e

soak: $(STORES_VENV)/.installed ## gateways under mixed load and faults, for SECONDS=60 (an hour before a release)
	$(if $(NATIVE),HOLDBACK_REQUIRE_NATIVE=1) PYTHONPATH=tests:tests/support $(STORES_VENV)/bin/python -m benches.soak --seconds $(SECONDS)

bench-peers: $(INSTALLED) $(PEERS_VENV)/.installed ## every peer beside holdback, into benches/RESULTS.md (QUICK=1: build/peers/)
	PYTHONPATH=tests:tests/support $(BIN)/python -m benches.peers --environment $(PEERS_VENV) $(if $(QUICK),--quick)

bench-scale: $(INSTALLED) ## memory, and how every cost grows; writes benches/SCALE.md
	$(BIN)/python -m benches.scale

bench-check: $(INSTALLED) ## count the instructions of fixed work (valgrind) and compare them with the record
	$(if $(NATIVE),$(BIN)/python -m pytest -q benches/counted/test_instructions.py,@$(NO_RUST))
	$(if $(NATIVE),$(BIN)/python -m benches.counted.instructions check)

bench-record: $(INSTALLED) ## count and write the record; WHY="..." is the reason for what costs more
	$(BIN)/python -m benches.counted.instructions record $(if $(WHY),--why "$(WHY)")

docs: $(DOCS_VENV)/.installed ## the documentation in build/docs/html, and the Rust core's; a warning is an error
	$(DOCS_VENV)/bin/python -m sphinx -W --keep-going -q -b html -d build/docs/doctrees docs build/docs/html
	$(if $(NATIVE),RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet -p holdback-core)

wheels: $(CHECKED) ## build wheels and sdist into dist/, install each, and check it; what they are made of into build/sbom/
	@$(MAKE) --no-print-directory sbom || echo "-- cyclonedx-bom cannot be installed here: no bill of materials --"
	@ls -l dist

# What a tool is missing for is left out, with a word: neither is needed to build or to use a package.
sbom: $(SBOM_VENV)/.installed
	test -x $(SBOM_VENV)/bin/cargo-cyclonedx || $(if $(NATIVE),cargo install --locked --quiet --debug --root $(SBOM_VENV) \
		cargo-cyclonedx@0.5.9 ||,) echo "-- cargo-cyclonedx cannot be installed here --"
	PATH="$(abspath $(SBOM_VENV))/bin:$$PATH" $(SBOM_VENV)/bin/python tools/sbom.py \
		--cargo-cyclonedx $(SBOM_VENV)/bin/cargo-cyclonedx

release-check: $(CHECKED) ## versions, changelog, packages, the sdist's suite, types (TAG=v1.2.3: fit for this tag; QUICK=1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group release
	$(BIN)/python tools/release.py $(if $(TAG),--tag $(TAG)) $(if $(QUICK),--quick)

clean: ## remove everything the other targets made
	rm -rf .venv .venv-* dist build target fuzz/core/target .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find python tests tools benches fuzz -name __pycache__ -prune -exec rm -rf {} +
	rm -f python/holdback/_native.*.so python/holdback/_native*.pyd

# ---------------------------------------------------------------- environments

# $(call venv,DIR,GROUPS): a virtual environment holding these dependency groups (pip 25.1 knows groups).
define venv
	$(if $(PYTHON),,$(error Python 3.11 or newer is needed; name it with PYTHON=...))
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
endef

# $(call link,DIR): put python/ on that environment's path, as the editable form of the pure wheel. Imports find
# the built extension there too, so one build of it serves every environment.
define link
	rm -rf build/editable
	$(BIN)/hatchling build -t wheel:editable -d build/editable >/dev/null
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps build/editable/*.whl
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check build/editable/*.whl
endef

$(VENV)/.tools: pyproject.toml
	$(call venv,$(VENV),--group dev)
	$(call link,$(VENV))
	touch $@

$(VENV)/.fuzz: $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --group fuzz || \
		echo "-- Atheris cannot be installed here: twins and wire are not guided by coverage --"
	touch $@

$(VENV)/.native: $(VENV)/.tools $(RUST_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked --skip-install
	rm -f $(VENV)/.pure
	touch $@

$(VENV)/.pure: $(VENV)/.tools
	@$(NO_RUST)
	rm -f python/holdback/_native.*.so $(VENV)/.native
	touch $@

# The peer is measured, not used: its restorer runs without most of its dependencies, which are gigabytes of models'
# libraries.
$(BENCH_VENV)/.peers: $(VENV)/.tools
	$(call venv,$(BENCH_VENV),--group bench)
	( $(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check faker python-dotenv pyyaml && \
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps privaite==0.7.3 ) || \
		echo "-- the peer cannot be installed: timings of holdback only --"
	touch $@

$(LITELLM_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(LITELLM_VENV),--group test --group litellm $(LITELLM:%='litellm[proxy]==%'))
	$(call link,$(LITELLM_VENV))
	touch $@

$(SDK_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(SDK_VENV),--group test --group sdk)
	$(call link,$(SDK_VENV))
	touch $@

$(PRIVAITE_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(PRIVAITE_VENV),--group test --group privaite)
	$(PRIVAITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps privaite==0.7.3
	$(call link,$(PRIVAITE_VENV))
	touch $@

$(STORES_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(STORES_VENV),--group test --group stores)
	$(call link,$(STORES_VENV))
	touch $@

$(PRESIDIO_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(PRESIDIO_VENV),--group test --group presidio)
	$(call link,$(PRESIDIO_VENV))
	touch $@

$(RENDERERS_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(RENDERERS_VENV),--group test --group renderers)
	$(call link,$(RENDERERS_VENV))
	touch $@

$(FRAMEWORKS_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(FRAMEWORKS_VENV),--group test --group frameworks)
	$(FRAMEWORKS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'open-webui>=0.12.4'
	$(call link,$(FRAMEWORKS_VENV))
	touch $@

$(LLAMAINDEX_VENV)/.installed: $(INSTALLED) pyproject.toml
	$(call venv,$(LLAMAINDEX_VENV),--group test --group llamaindex)
	$(call link,$(LLAMAINDEX_VENV))
	touch $@

# Their dependencies would be gigabytes of detectors: each comes alone, what restoring needs is the group `peers`.
# One that cannot be had any more is left out, and the page says so.
$(PEERS_VENV)/.installed: $(INSTALLED) benches/peers/roster.py pyproject.toml
	$(call venv,$(PEERS_VENV),--group peers)
	for pin in $$($(BIN)/python -m benches.peers.roster); do \
		$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python \
			$$pin || echo "-- $$pin cannot be installed: left out --"; \
	done
	touch $@

$(DOCS_VENV)/.installed: $(VENV)/.tools pyproject.toml
	$(call venv,$(DOCS_VENV),--group docs)
	$(call link,$(DOCS_VENV))
	touch $@

$(MUTANTS_VENV)/.installed: $(VENV)/.tools pyproject.toml
	$(call venv,$(MUTANTS_VENV),--group test --group mutants)
	$(call link,$(MUTANTS_VENV))
	touch $@

$(SBOM_VENV)/.installed: pyproject.toml
	$(call venv,$(SBOM_VENV),--group sbom)
	touch $@

$(MUTANTS_VENV)/bin/cargo-mutants:
	cargo install --locked --quiet --root $(MUTANTS_VENV) cargo-mutants@27.1.0

# ---------------------------------------------------------------- packages

$(CHECKED): $(VENV)/.tools $(RUST_SOURCES) LICENSE README.md pyproject.toml \
		$(shell find python tests tools -type f ! -name '*.pyc' ! -name '*.so' ! -name '*.pyd')
	@$(if $(NATIVE),,$(NO_RUST))
	$(BIN)/python tools/wheels.py $(if $(NATIVE),,--pure-only)
	touch $@
