# Two commands for a newcomer: `make demo` and `make test`. Everything sets itself up and is safe to repeat.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test slow check format bench docs clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganarium needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: $(READY)  ## Train a GAN on the built-in world in about two minutes, score it, leave a picture and a model.
	$(BIN)/python examples/demo.py

test: $(READY)  ## The tests that take seconds.
	$(BIN)/python -m pytest -n 2 -m 'not slow'

slow: $(READY)  ## The longer proofs.
	$(BIN)/python -m pytest -n 2 -m slow

check: $(READY)  ## Style, types, import rules.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## Put the code into its style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## Speed and memory against textbook loops; minutes.
	$(BIN)/python -m benchmarks.rounds
	$(BIN)/python -m benchmarks.folders --pictures 4 --repeats 5

docs: $(READY)  ## The site, English and Chinese, into site/; open site/index.html.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.yml
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.zh.yml
	@echo "open site/index.html"

clean:  ## Remove what can be made again; runs stay.
	rm -rf .venv build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
