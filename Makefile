# Two commands do all set-up on a machine that has Python 3.11+ and pip:
#   make tables   print every published table with our counts
#   make test     run the tests; make test-fast leaves out the slow ones and draws fewer random inputs
# make docs builds the documentation in site/, with warnings as errors; open site/index.html.
# make audit looks up known vulnerabilities of what is installed; it fails where it cannot look up every package.
# make test-triton runs the fused kernels on the CPU by Triton's interpreter (a download of 290 MB).

PYTHON ?= python3
BIN := .venv/bin
# tests start many processes, and pytest rewrites each of its files: both keep bytecode, whatever the shell says
export PYTHONDONTWRITEBYTECODE :=

.PHONY: tables test test-fast test-triton lint docs audit clean

tables: .venv/installed
	$(BIN)/lambda-arch tables --format table

test: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow' --hypothesis-profile=fast

test-triton: .venv/installed-triton
	TRITON_INTERPRET=1 $(BIN)/python -m pytest tests/nn/test_fused.py

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lambda-arch tables --check

docs: .venv/installed-dev
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict --quiet

audit: .venv/installed-dev
	$(BIN)/pip install --quiet pip-audit
	$(BIN)/pip freeze --exclude-editable | sed -n 's/^\([^ ]*==[^+ ]*\).*/\1/p' > .venv/audit.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement .venv/audit.txt

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/installed-triton: .venv/installed-dev
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[triton]'
	touch $@

clean:
	rm -rf site .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
