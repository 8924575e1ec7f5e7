# Each target sets up what it needs: ngspice, and the package in its own environment (.venv).
VENV ?= .venv
RUN = $(VENV)/bin

.PHONY: validate test lint pages site dist bench atlas references devices models golden clean ngspice compiler

validate: ngspice $(VENV)/base
	$(RUN)/spicebridge validate compare/k4.case.toml compare/karate_club.case.toml --out out/validate

test: ngspice compiler $(VENV)/dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check --quiet .
	$(RUN)/mypy
	$(RUN)/pytest -q -n 2 --dist loadfile

lint: $(VENV)/dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check --quiet .
	$(RUN)/mypy

bench: ngspice $(VENV)/dev
	$(RUN)/python -m bench

atlas: ngspice $(VENV)/base
	$(RUN)/spicebridge atlas --out out/atlas --markdown compare/RESULTS.md

references: ngspice $(VENV)/dev
	PYTHONPATH=tests $(RUN)/python -m references.scorecard

# Pages of the documentation that are written from the code.
devices: $(VENV)/base
	$(RUN)/python docs/devices_page.py > docs/devices.md
	$(RUN)/python docs/case_page.py > docs/case_file.md
	$(RUN)/python docs/api_page.py > docs/api.md

site: ngspice $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --quiet

dist: $(VENV)/docs
	$(RUN)/python -m build --outdir out/dist .
	$(RUN)/twine check --strict out/dist/*

# Documentation, wheel and pages in a real browser: what `make test` leaves out because it needs more than a simulator.
pages: ngspice browser $(VENV)/docs site dist
	$(RUN)/pytest -q pages

browser:
	@sh setup/browser.sh

models: $(VENV)/base
	$(RUN)/python -m models.regenerate

golden: $(VENV)/base
	$(RUN)/python -m netlists.regenerate

ngspice:
	@sh setup/ngspice.sh

# What the firmware of a kit is built with in the tests.
compiler:
	@sh setup/compiler.sh

# A stamp for every set of extras; a larger set serves for the base as well.
$(VENV)/base: pyproject.toml
	@test -e $(VENV)/dev -a $(VENV)/dev -nt pyproject.toml || VENV=$(VENV) sh setup/python.sh ""
	@touch $@

$(VENV)/dev: pyproject.toml
	@VENV=$(VENV) sh setup/python.sh dev
	@touch $@

$(VENV)/docs: pyproject.toml
	@VENV=$(VENV) sh setup/python.sh dev,docs
	@touch $@ $(VENV)/dev

clean:
	rm -rf $(VENV) out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
