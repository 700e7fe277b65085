# make demo | test | fast | docs, in a fresh clone with nothing but Python (3.11 or newer), pip and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

DEMO ?=
DATA ?=
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 $(if $(DATA),--data $(DATA))

.PHONY: help demo test fast lint docs readme clean

help:
	@echo "make demo   fit the bundled table, print what the model found, write demo/report.html"
	@echo "            (make demo DEMO='--data banknote.csv --target class' does it on a file)"
	@echo "make test   ruff, mypy, the import-direction test, all tests (DATA=folder: on public tables too)"
	@echo "make fast   the same without the slow tests"
	@echo "make docs   the documentation, in docs/_build/html; warnings are errors"
	@echo "make readme the figure of the README"
	@echo "make clean  remove the environment and everything built"

demo: $(VENV)/.package
	$(BIN)/superpose demo $(DEMO)

test: lint
	$(PYTEST)

fast: lint
	$(PYTEST) -m "not slow"

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_imports.py -m "not slow"

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

readme: $(VENV)/.package
	$(BIN)/python docs/make_readme_figure.py

clean:
	rm -rf $(VENV) build dist demo docs/_build docs/gallery docs/api/generated
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The environment. Each stamp is one set of packages; it is rebuilt when what it is made from changes.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "superpose needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
	       "name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.package: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.tests: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[test]"
	@touch $@ $(VENV)/.package

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[docs]"
	@touch $@
