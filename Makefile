# Every target sets itself up first, so any of them works as the first command on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := catalog scraper dataset training

.DEFAULT_GOAL := help
.PHONY: help setup scrape demo test check bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## build .venv with everything pinned in constraints.txt

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

scrape: $(STAMP) ## bring VGMusic's piano section into ./data, politely (about twelve minutes; ARGS='--limit 20' for less)
	$(BIN)/scrape vgmusic $(ARGS)

demo: $(STAMP) ## the whole road offline, on public-domain stand-ins, in about six minutes
	$(BIN)/python -m scraper.demo

test: $(STAMP) ## run every test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

check: $(STAMP) ## lint, format, strict types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(STAMP) ## measure against the peers, side by side
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python benchmarks/parse.py

clean: ## remove .venv and caches; ./data stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
