# The commands of this repository: `make help` lists them. They need GNU make and Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/node/.installed
LIGHTHOUSE := $(VENV)/lighthouse/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The suite starts about fifty servers. Without bytecode files, each of them would compile the service again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test check hostile everywhere lint format linters types contract lighthouse crash upgrade laws fuzz bench \
	bench-million bench-compare peers dist image standalone picture sbom audit lock
# `make V=1` also prints the commands that a target runs.
$(V).SILENT:

help: ## list these commands
	grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-14s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## install the service, the embedded database and the tools for development into .venv

# The stamp file is touched last, so an interrupted installation starts again, and a second `make install` does nothing.
# With `umask 022` every user can read the files: if root runs the embedded database, its programs run as another user.
$(INSTALLED): pyproject.toml tests/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	umask 022 && $(BIN)/pip install -qq --require-hashes -r tests/requirements.txt
	$(BIN)/pip install -qq --no-deps --no-build-isolation -e .
	touch $@

run: install ## serve on http://127.0.0.1:8000, with the seeds and an embedded database in .irritants/
	$(BIN)/irritants serve

test: install ## run the test suite on all cores
	$(BIN)/pytest -n auto --dist worksteal

check: lint test ## run lint, then the test suite: what a commit must pass

hostile: install ## run the tests of the store as a database role with harmful settings
	TEST_HOSTILE=1 $(BIN)/pytest -n auto --dist worksteal tests/store tests/test_recorder.py tests/test_rebuild.py

everywhere: install ## run the suite on PostgreSQL 15 (Debian's package), 17 (the public image) and the embedded 18
	$(MAKE) check
	$(BIN)/python -m tests.servers debian:15 $(MAKE) test hostile
	$(BIN)/python -m tests.servers image:17 $(MAKE) test hostile

lint: install ## check the format, the lint rules and the types
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary

format: install ## format the code
	$(BIN)/ruff check --quiet --fix-only --exit-zero
	$(BIN)/ruff format --quiet

linters: install $(LINTERS) ## install Redocly, Spectral, openapi-typescript and checkers of HTML into .venv/node; needs npm

# The dependencies of a package.json, in a folder.
define npm_install
	mkdir -p $(2)
	cp $(1) $(2)/package.json
	timeout 300 npm install --prefix $(2) --loglevel=error --no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier >/dev/null
endef

# The copied package.json is the stamp file. npm runs no script of a package. It writes no lock file, because that would
# contain addresses of a registry. The time limit ends npm if a registry cannot be reached.
$(LINTERS): tests/contract/package.json
	$(call npm_install,$<,$(@D))
	cp $< $@

$(LIGHTHOUSE): tests/lighthouse/package.json
	$(call npm_install,$<,$(@D))
	cp $< $@

# The first lines name the document by its SHA-256, so that a test without npm notices old types.
types: linters ## make openapi/irritants.d.ts, the TypeScript types of the OpenAPI document; needs npm
	$(LINTERS:.installed=node_modules/.bin/openapi-typescript) openapi/openapi.json --default-non-nullable=false \
		--output $(VENV)/irritants.d.ts >/dev/null
	{ echo "// The types of openapi.json, made with \`make types\`. Do not edit."; \
		echo "// SHA-256 of openapi.json: $$(sha256sum openapi/openapi.json | cut -d ' ' -f 1)"; \
		cat $(VENV)/irritants.d.ts; } > openapi/irritants.d.ts

contract: linters ## check the OpenAPI document and all pages with linters, and test generated clients; needs npm and java
	PROGRAMS_REQUIRED=1 $(BIN)/pytest -rs -m '' tests/contract tests/web/test_html.py tests/clients/test_generated.py

lighthouse: install $(LIGHTHOUSE) ## require full points of Lighthouse for accessibility and best practices; needs npm and chromium
	$(BIN)/python -m tests.lighthouse

crash: install ## kill processes and the database under load (ROUNDS=50), and prove that nothing is lost
	$(BIN)/python -m tests.crash.rounds --rounds $(or $(ROUNDS),50)

# It takes the earlier release from the history of this repository.
upgrade: install ## run release 0.2.0 and this one on one record: the earlier one can read all that is recorded
	PROGRAMS_REQUIRED=1 $(BIN)/pytest -m '' tests/test_previous_release.py tests/test_upgrades.py

# Uses DATABASE_URL if it is set. Otherwise uses the embedded database, and postgres:17 if a container engine can run it.
bench: install ## measure the speed, as ratios to simple programs on the same machine; needs wrk and nats-server
	$(BIN)/python -m tests.benchmarks

bench-million: install ## compare the costs in a record of a million events with a small one (KEEP=folder keeps it)
	$(BIN)/python -m tests.benchmarks.million $(if $(KEEP),--home $(KEEP))

bench-compare: install ## compare the speed of this checkout with another one (BEFORE=folder)
	$(BIN)/python -m tests.benchmarks.compare --before $(BEFORE) --after .

peers: ## install a profiler and the libraries that benchmarks compare with into .venv/peers; only --peers needs them
	test -x $(VENV)/peers/bin/python || $(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/pip install -qq 'eventsourcing[postgres]==9.5.6' py-spy==0.4.1

laws: install ## hold 20,000 random histories to each law about the truth of sentences, the ladder, and audiences
	$(BIN)/pytest -o faulthandler_timeout=7200 --hypothesis-profile=laws -n auto tests/laws/test_headline.py \
		tests/laws/test_ladder.py tests/handling/test_documents.py \
		-k "every_law or advancing or evidence_of_a_known or order_of_filing or what_is_withheld"

fuzz: install ## test the interface, raw bytes and the laws with random cases (EXAMPLES=300 for each operation)
	EXAMPLES=$(or $(EXAMPLES),300) $(BIN)/pytest -n auto -m '' -rsP -o faulthandler_timeout=7200 \
		--hypothesis-show-statistics --hypothesis-profile=fuzz tests/fuzz tests/laws

dist: install ## build the wheel and the source distribution in dist/
	$(BIN)/hatchling build -d dist

# pyproject.toml is the only place of the version.
VERSION = $(shell $(PYTHON) -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
IMAGE = irritants:$(VERSION)
image: ## build the container image (IMAGE=irritants:VERSION), labelled with the version in pyproject.toml
	@# Docker before 23 builds without BuildKit by default, and the Dockerfile needs it.
	DOCKER_BUILDKIT=1 docker build --quiet --build-arg VERSION=$(VERSION) --tag $(IMAGE) .

# The container has a database of its own.
STANDALONE = irritants:standalone
standalone: ## build the container image with an embedded database, for tests (STANDALONE=irritants:standalone)
	docker build --quiet --build-arg VERSION=$(VERSION) --target standalone --tag $(STANDALONE) .

picture: install ## draw docs/images/board.png, the picture in the README; needs chromium
	$(BIN)/python -m tests.picture

sbom: install ## print the components of the image as a CycloneDX document
	$(BIN)/python tests/sbom.py requirements.txt

audit: install ## list known vulnerabilities in the pinned versions; without advisories, list the versions to review
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt --progress-spinner off \
		|| { echo 'To be reviewed by hand:'; grep -oE '^[a-zA-Z0-9._-]+==[^ ]+' requirements.txt; exit 1; }

# The development lock is made first and constrains the other lock, so both have the same versions.
LOCK = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' pyproject.toml --group build
lock: ## pin the newest versions that pyproject.toml allows, with hashes for every platform
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install -qq uv==0.13.9
	$(LOCK) --upgrade --extra embedded --extra testing --group dev --output-file tests/requirements.txt
	$(LOCK) --extra server --constraint tests/requirements.txt --output-file requirements.txt
