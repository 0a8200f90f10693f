# Every target sets itself up first, so any of them works as the first command on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PRODUCT := $(VENV)/.installed
DEMO := data/demo
NOW := $(shell date +%Y%m%d-%H%M%S)

.DEFAULT_GOAL := help
.NOTPARALLEL: # two runs of pip would write into one environment
.PHONY: help setup scrape zelda demo test check bench dist wheel-check docs picture clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(PRODUCT) ## build .venv with the product, in the versions of constraints.txt

# The product, and beside it the set of packages that a target needs more: an extra of pyproject.toml.
# A stamp has the time at which pip began, and is there only if pip succeeded.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

$(PRODUCT): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@touch $@.begun
	$(INSTALL) -e .
	@mv $@.begun $@

$(PRODUCT)-%: $(PRODUCT)
	@touch $@.begun
	$(INSTALL) -e '.[$*]'
	@mv $@.begun $@

scrape: $(PRODUCT) ## bring VGMusic's piano section into ./data, politely (about twelve minutes; ARGS='--limit 20' for less)
	$(BIN)/scrape vgmusic $(ARGS)

zelda: $(PRODUCT) ## the original's experiment: four games alone, then all of Zelda, and one page (after make scrape; about ten minutes)
	$(BIN)/train --each-game --query "series == 'zelda'" --name zelda $(ARGS)

demo: $(PRODUCT) ## the whole road offline, on public-domain stand-ins, in about six minutes
	@$(BIN)/scrape demo-site --root $(DEMO) --port 0 -- $(MAKE) --no-print-directory demo-road

# The three uses as they stand, on the demo's own data root and site; `make demo` serves the site and calls this.
.PHONY: demo-road
demo-road: export VGPIANO_ROOT := $(DEMO)
demo-road: export PATH := $(abspath $(BIN)):$(PATH)
demo-road:
	@test -n "$$VGPIANO_BASE_URL" || { echo "demo-road is a part of make demo: run that" >&2; exit 2; }
	$(MAKE) --no-print-directory scrape ARGS='--delay 0.1'
	dataset measure
	dataset build --game ocarina
	train --query "series == 'zelda'" --minutes 3 --name demo-$(NOW)
	evaluate demo-$(NOW)
	generate demo-$(NOW) --count 2 --game ocarina-of-time --out $(DEMO)/listen
	@echo
	@echo "Open this first, in any browser: sound, scores, and what was learned from whom:"
	@ls $(DEMO)/runs/demo-$(NOW)/index.html
	@echo
	@echo "Open these with any MIDI player or notation program:"
	@ls $(DEMO)/runs/demo-$(NOW)/samples/*.mid $(DEMO)/listen/*.mid
	@echo "What they were made from:    $(DEMO)/corpora/series-zelda/CREDITS.md"
	@echo "How the training went:       $(DEMO)/runs/demo-$(NOW)/metrics.csv"

test: export PYTHONDONTWRITEBYTECODE := # a module is compiled once, not by each process that a test starts
test: $(PRODUCT)-test ## run every test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(PRODUCT)-check ## lint, format, strict types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(PRODUCT)-bench ## every figure of README beside the field's, in under forty minutes (ARGS='--only parse' for a part)
	$(BIN)/python benchmarks/run.py $(ARGS)

dist: $(PRODUCT)-dist ## the wheel and the sdist, in dist/
	rm -rf dist
	$(BIN)/python -m build --quiet --no-isolation

wheel-check: dist ## that wheel in a new environment and an empty folder: pip, the three uses, a typed script (3 GB for some minutes)
	$(PYTHON) tests/wheel_road.py dist/*.whl $(ARGS)

docs: $(PRODUCT)-docs ## write the reference from the code, and build the documentation into build/site
	$(BIN)/python -m docs.make
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html; with search: $(BIN)/python -m http.server --directory build/site"

picture: $(PRODUCT)-picture ## take the picture of a run's page anew (after make demo; it needs chromium)
	$(BIN)/python -m docs.make.picture "$$(ls -td $(DEMO)/runs/*/index.html | head -n 1)"

clean: ## remove .venv and caches; ./data stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
