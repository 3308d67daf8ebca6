# make site | serve | host | export | test | record | speech | browser-test | witness | lint | inputs | mutants | bench | clean
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
SPHINX := $(BIN)/sphinx-build -c . -d build/doctrees -n -W --keep-going

.PHONY: site serve host export test record speech browser-test witness lint inputs mutants bench clean
.DEFAULT_GOAL := site

site: .venv/site
	$(SPHINX) docs build/site
	@echo; echo "The site: file://$(CURDIR)/build/site/index.html"

serve: site
	@echo "The site: http://localhost:$(PORT)/ (Ctrl-C ends)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory build/site

host: site
	$(BIN)/python tools/host.py latest=build/site $$(git tag --list "v*")

export: .venv/export site
	$(BIN)/python tools/books.py
	$(BIN)/python -m pytest tests/export

test: .venv/test
	$(BIN)/python -m pytest

record: .venv/test
	$(BIN)/python -m pytest --record

speech: site build/node
	node tools/speech.mjs
	$(SPHINX) docs build/site

browser-test: .venv/browser site
	$(BIN)/python -m pytest -n auto tests/site tests/search

witness: .venv/witness
	$(BIN)/python -m pytest tests/witness

lint: .venv/lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

inputs: .venv/test
	$(BIN)/python tools/inputs.py

mutants: .venv/test
	$(BIN)/python tools/mutants.py
	$(BIN)/python tools/mutate_formula.py
	$(BIN)/python tools/mutate_evaluator.py --sample 150

bench: .venv/browser .venv/test
	$(BIN)/python tools/bench.py
	$(SPHINX:build/doctrees=build/stock/doctrees) -b dirhtml docs build/stock
	node tools/search_bench.mjs --stock build/stock --record
	node tools/search_bench.mjs --entries 3000

clean:
	rm -rf build .venv docs/entries docs/topics docs/_tables docs/_plots

build/node:
	npm install --no-save --no-package-lock --prefix build/node speech-rule-engine@4.1.5

# One environment in the checkout; each file is the stamp of an installed group.
.venv/pip: constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

.venv/site .venv/export .venv/test .venv/browser .venv/witness .venv/lint: .venv/%: pyproject.toml .venv/pip
	@echo "Installing what 'make $*' needs into .venv (the first time takes a few minutes) ..."
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e ".[$*]"
	@touch $@
