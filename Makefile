# site | serve | host | test | site-test | browser-test | lint | pins | wheel | clean
# nightly | oldest | newest | python-3.12 | python-3.13 | compile | witness | export | mutants | inputs
# record | speech | bench
PYTHON ?= python3
PORT ?= 8000
UV := .venv/uv/bin/uv
SPHINX := .venv/site/bin/sphinx-build -c . -d build/doctrees -n -W --keep-going
TESTS := -m pytest -n auto --dist worksteal
PAGES := -m pytest -n auto --dist loadfile docs README.md CONTRIBUTING.md # examples build on each other
GROUPS := build site test pages browser export witness lint
NIGHTLY := oldest newest python-3.12 python-3.13 compile witness export mutants

.PHONY: site serve host test site-test browser-test lint pins wheel clean nightly $(NIGHTLY) inputs record speech bench
.DEFAULT_GOAL := site
export UV_PYTHON_DOWNLOADS ?= never

site: .venv/site/ready
	$(SPHINX) docs build/site
	@echo; echo "The site: file://$(CURDIR)/build/site/index.html"

serve: site
	@.venv/site/bin/python tools/serve.py $(PORT)

host: site
	.venv/site/bin/python tools/host.py latest=build/site $$(git tag --list "v*")

test: .venv/test/ready
	.venv/test/bin/python $(TESTS) mlmath_ref tests
	.venv/test/bin/python $(PAGES)

site-test: .venv/pages/ready site
	.venv/pages/bin/python $(TESTS) tests/site tests/search

browser-test: .venv/browser/ready site
	.venv/browser/bin/python $(TESTS) tests/browser

lint: .venv/lint/ready
	.venv/lint/bin/ruff check
	.venv/lint/bin/ruff format --check
	.venv/lint/bin/mypy

# Completes and checks constraints.txt; to move pins, add --upgrade or --upgrade-package NAME.
pins: $(UV)
	UV_FIND_LINKS= $(UV) pip compile --quiet --universal --python-version 3.11.0 --no-header --no-annotate \
		--extra cli $(GROUPS:%=--group %) --output-file constraints.txt pyproject.toml

wheel: $(UV)
	$(UV) build --quiet --wheel --build-constraints constraints.txt --out-dir build/dist

nightly: $(NIGHTLY)

oldest newest python-3.12 python-3.13: $(UV)
	.venv/uv/bin/python tools/versions.py $@

compile: .venv/test/ready
	.venv/test/bin/python -m pytest tests/nightly

witness: .venv/witness/ready
	.venv/witness/bin/python -m pytest tests/witness

export: .venv/export/ready site
	.venv/export/bin/python tools/books.py
	.venv/export/bin/python -m pytest tests/export

mutants: .venv/test/ready
	.venv/test/bin/python tools/mutants.py
	.venv/test/bin/python tools/mutate_formula.py
	.venv/test/bin/python tools/mutate_evaluator.py --sample 150

inputs: .venv/test/ready
	.venv/test/bin/python tools/bad_input.py

record: .venv/test/ready
	.venv/test/bin/python -m pytest -n auto --dist loadfile --record

speech: site build/node
	node tools/speech.mjs
	$(SPHINX) docs build/site

bench: .venv/browser/ready .venv/test/ready site
	.venv/browser/bin/python tools/bench.py
	.venv/test/bin/python tools/checks.py
	$(SPHINX:build/doctrees=build/stock/doctrees) -b dirhtml docs build/stock
	node tools/search_bench.mjs --stock build/stock --record
	node tools/search_bench.mjs --entries 3000

clean:
	rm -rf build .venv docs/entries docs/topics docs/_tables docs/_plots

build/node:
	npm install --no-save --no-package-lock --prefix build/node speech-rule-engine@4.1.5

$(UV): constraints.txt
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/pip install --quiet -c constraints.txt uv
	@touch $@

# An environment for each group.
.venv/%/ready: pyproject.toml constraints.txt $(UV)
	@echo "Installing the dependency group '$*' into .venv/$* (the first time takes some minutes) ..."
	$(UV) venv --quiet --clear --python .venv/uv/bin/python .venv/$*
	$(UV) pip install --quiet --python .venv/$*/bin/python -c constraints.txt -b constraints.txt --group $* -e ".[cli]"
	@touch $@
