# One word for each thing that one does here. GNU make and a python3 of at least 3.11 are all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/node/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Wherever that is set: the suite starts some fifty servers, and each would compile the service anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test check hostile everywhere lint format linters contract crash laws fuzz bench bench-million \
	bench-compare peers dist image picture sbom audit lock
# What is run is shown where it is asked for (make V=1); else only what it has to say.
$(V).SILENT:

help: ## list these words
	grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-14s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## .venv with the service, the embedded database and everything for development

# The stamp comes last, so an interrupted install is done again; a second `make install` does nothing. What is installed
# can be read by all: root's embedded database runs as another user, who must reach its programs.
$(INSTALLED): pyproject.toml tests/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	umask 022 && $(BIN)/pip install -qq --require-hashes -r tests/requirements.txt
	$(BIN)/pip install -qq --no-deps --no-build-isolation -e .
	touch $@

run: install ## the service on http://127.0.0.1:8000: migrated, seeded, its database embedded under .irritants/
	$(BIN)/irritants serve

test: install ## the whole suite on every core; import rules and the OpenAPI document are tests in it
	$(BIN)/pytest -n auto --dist worksteal

check: lint test ## all of it: lint, then the suite

hostile: install ## the store's tests, as a role whose settings would change what is stored
	TEST_HOSTILE=1 $(BIN)/pytest -n auto --dist worksteal tests/store tests/test_recorder.py tests/test_rebuild.py

everywhere: install ## `make check` on PostgreSQL 15 (Debian's package), 17 (the public image) and the embedded 18
	$(MAKE) check
	$(BIN)/python -m tests.servers debian:15 $(MAKE) test hostile
	$(BIN)/python -m tests.servers image:17 $(MAKE) test hostile

lint: install ## format, rules and strict types
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary

format: install ## put the code in its one format
	$(BIN)/ruff check --quiet --fix-only --exit-zero
	$(BIN)/ruff format --quiet

linters: install $(LINTERS) ## Redocly, Spectral, html-validate and the Nu checker, in a folder of their own; needs npm

# As above. No script of a package is run, and no lock file is written: it would hold addresses of a registry. A registry
# that cannot be reached would keep npm waiting without end.
$(LINTERS): tests/contract/package.json
	mkdir -p $(@D)
	cp $< $(@D)/package.json
	timeout 300 npm install --prefix $(@D) --loglevel=error --no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier >/dev/null
	cp $< $@

contract: linters ## the contract and every page by the linters, and clients generated from the contract; needs npm and java
	PROGRAMS_REQUIRED=1 $(BIN)/pytest -rs -m '' tests/contract tests/web/test_html.py tests/clients/test_generated.py

crash: install ## crash rounds (ROUNDS=50): processes and the database killed under load, and the proof that nothing is lost
	$(BIN)/python -m tests.crash.rounds --rounds $(or $(ROUNDS),50)

# On DATABASE_URL, where that is set; else on the embedded database and, where it can be run here, on postgres:17.
bench: install ## how fast, as ratios to bare work on the same machine and database; needs wrk and nats-server
	$(BIN)/python -m tests.benchmarks

bench-million: install ## whether anything costs more in a record of a million events (KEEP=folder keeps it)
	$(BIN)/python -m tests.benchmarks.million $(if $(KEEP),--home $(KEEP))

bench-compare: install ## whether anything is slower here than in another checkout (BEFORE=folder)
	$(BIN)/python -m tests.benchmarks.compare --before $(BEFORE) --after .

peers: ## libraries that the benchmarks compare with and the profiler, in a folder of their own; no other word needs them
	test -x $(VENV)/peers/bin/python || $(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/pip install -qq 'eventsourcing[postgres]==9.5.6' py-spy==0.4.1

laws: install ## 20,000 random histories for each law about the truth of sentences
	$(BIN)/pytest -n auto -o faulthandler_timeout=7200 --hypothesis-profile=laws tests/laws/test_headline.py

fuzz: install ## thousands of cases for the contract (EXAMPLES=300 for each operation), for bytes and for the laws
	EXAMPLES=$(or $(EXAMPLES),300) $(BIN)/pytest -n auto -m '' -rsP -o faulthandler_timeout=7200 \
		--hypothesis-show-statistics --hypothesis-profile=fuzz tests/fuzz tests/laws

dist: install ## the wheel and the source distribution, in dist/
	$(BIN)/hatchling build -d dist

# The one place of the version is pyproject.toml.
VERSION = $(shell $(PYTHON) -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
IMAGE = irritants:$(VERSION)
image: ## the container image (IMAGE=irritants:VERSION), labelled with the version in pyproject.toml
	docker build --quiet --build-arg VERSION=$(VERSION) --tag $(IMAGE) .

picture: install ## docs/images/board.png, the picture in the README; needs chromium
	$(BIN)/python -m tests.picture

sbom: install ## what the image is made of, as a CycloneDX document on standard output
	$(BIN)/python tests/sbom.py requirements.txt

audit: install ## known vulnerabilities in the pinned versions; where no advisories can be had, the versions to review
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt --progress-spinner off \
		|| { echo 'To be reviewed by hand:'; grep -oE '^[a-zA-Z0-9._-]+==[^ ]+' requirements.txt; exit 1; }

# The development lock comes first and rules the other, so that both name the same versions.
LOCK = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' pyproject.toml --group build
lock: ## pin the newest versions that pyproject.toml allows, with the hashes of every platform's files
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install -qq uv==0.13.9
	$(LOCK) --upgrade --extra embedded --group dev --output-file tests/requirements.txt
	$(LOCK) --constraint tests/requirements.txt --output-file requirements.txt
