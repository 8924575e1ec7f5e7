# Each target sets up what it needs: ngspice, and the package in its own environment (.venv).
VENV ?= .venv
RUN = $(VENV)/bin

.PHONY: validate test lint bench atlas references devices models golden clean ngspice

validate: ngspice $(VENV)/base
	$(RUN)/spicebridge validate compare/k4.case.toml compare/karate_club.case.toml --out out

test: ngspice $(VENV)/dev
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

devices: $(VENV)/base
	$(RUN)/python docs/devices_page.py > docs/devices.md

models: $(VENV)/base
	$(RUN)/python -m models.regenerate

golden: $(VENV)/base
	$(RUN)/python -m netlists.regenerate

ngspice:
	@sh setup/ngspice.sh

# A stamp for every set of extras; a larger set serves for the base as well.
$(VENV)/base: pyproject.toml
	@test -e $(VENV)/dev -a $(VENV)/dev -nt pyproject.toml || VENV=$(VENV) sh setup/python.sh ""
	@touch $@

$(VENV)/dev: pyproject.toml
	@VENV=$(VENV) sh setup/python.sh dev
	@touch $@

clean:
	rm -rf $(VENV) out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
