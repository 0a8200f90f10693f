# Every target installs what it needs first, so any of them can be the first command on a new machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PRODUCT := $(VENV)/.installed
DEMO := data/demo
NOW := $(shell date +%Y%m%d-%H%M%S)

.DEFAULT_GOAL := help
.NOTPARALLEL: # two pip processes must not write to one environment at the same time
.PHONY: help setup scrape zelda demo test road check bench dist wheel-check docs picture clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(PRODUCT) ## create .venv with vgpiano and its dependencies, in the versions of constraints.txt

# The product, and the additional packages that a target needs: an extra of pyproject.toml.
# A stamp file has the time at which pip started, and exists only if pip succeeded.
# The product is compiled on all cores, for which pip takes one; what a target adds is compiled where it is imported.
# A file that is no Python 3, such as a template, is passed over.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
PINNED = -c constraints.txt -e

$(PRODUCT): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@touch $@.begun
	$(INSTALL) $(PINNED) .
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@mv $@.begun $@

$(PRODUCT)-%: $(PRODUCT)
	@touch $@.begun
	$(INSTALL) $(PINNED) '.[$*]'
	@mv $@.begun $@

scrape: $(PRODUCT) ## download VGMusic's piano section to ./data, one request a second (about twelve minutes; ARGS='--limit 20' for a part)
	$(BIN)/scrape vgmusic $(ARGS)

zelda: $(PRODUCT) ## repeat the experiment of 2018: train on each of four games and on all of Zelda, and compare (after make scrape; about ten minutes)
	$(BIN)/train --each-game --query "series == 'zelda'" --name zelda $(ARGS)

demo: $(PRODUCT) ## run the whole pipeline offline on public-domain stand-ins (about six minutes)
	@$(BIN)/scrape demo-site --root $(DEMO) --port 0 -- $(MAKE) --no-print-directory demo-road

# The three uses, with the demo's data root and site. `make demo` serves the site and calls this target.
.PHONY: demo-road
demo-road: export VGPIANO_ROOT := $(DEMO)
demo-road: export PATH := $(abspath $(BIN)):$(PATH)
demo-road:
	@test -n "$$VGPIANO_BASE_URL" || { echo "demo-road is a part of make demo: run make demo" >&2; exit 2; }
	$(MAKE) --no-print-directory scrape ARGS='--delay 0.1'
	dataset measure
	dataset build --game ocarina
	train --query "series == 'zelda'" --minutes 3 --name demo-$(NOW)
	evaluate demo-$(NOW)
	generate demo-$(NOW) --count 2 --game ocarina-of-time --out $(DEMO)/listen
	@echo
	@echo "Open this first, in any browser: audio, scores, and the sources of copied passages:"
	@ls $(DEMO)/runs/demo-$(NOW)/index.html
	@echo
	@echo "Open these with any MIDI player or notation program:"
	@ls $(DEMO)/runs/demo-$(NOW)/samples/*.mid $(DEMO)/listen/*.mid
	@echo "Credits of the training pieces: $(DEMO)/corpora/series-zelda/CREDITS.md"
	@echo "Figures of each epoch:          $(DEMO)/runs/demo-$(NOW)/metrics.csv"

# One more than cores, at most eight: tests wait a fifth of the time, and a worker takes up to 3 GB.
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN | awk '{ print ($$1 < 7 ? $$1 + 1 : 8) }')

# Each test is run by one of the two targets: the marker `road` says by which.
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder
test road: export PYTHONDONTWRITEBYTECODE := # compile each module once, not in each process that a test starts

test: $(PRODUCT)-test ## run the tests of each part, as one does between two edits
	$(PYTEST) -m 'not road' $(ARGS)

road: $(PRODUCT)-test ## run the other tests: whole roads of several commands, and other programs
	$(PYTEST) -m 'road' $(ARGS)

check: $(PRODUCT)-check ## check lint, format, strict types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers auto
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(PRODUCT)-bench ## measure every figure of the README and of comparable software (under forty minutes; ARGS='--only parse' for a part)
	$(BIN)/python benchmarks/run.py $(ARGS)

dist: $(PRODUCT)-dist ## build the wheel and the sdist in dist/
	rm -rf dist
	$(BIN)/python -m build --quiet --no-isolation

wheel-check: dist ## install the wheel into a new environment, and run the three uses and a typed script there (needs 3 GB for some minutes)
	$(PYTHON) tests/wheel_road.py dist/*.whl $(ARGS)

docs: $(PRODUCT)-docs ## generate the reference from the code, and build the documentation in build/site
	$(BIN)/python -m docs.make
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html; with search: $(BIN)/python -m http.server --directory build/site"

picture: $(PRODUCT)-picture ## take a new screenshot of a run's page (after make demo; needs chromium)
	$(BIN)/python -m docs.make.picture "$$(ls -td $(DEMO)/runs/*/index.html | head -n 1)"

clean: ## remove .venv, build output and caches, but not ./data
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
