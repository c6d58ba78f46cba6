# Everything a developer types. `make demo` needs Python 3.11 to 3.13, git and make; nothing else.

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' 2>/dev/null && { command -v $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PHOTOS := docs/photos

.PHONY: demo app test slow fmt pages clean

demo: .venv/core.stamp
	$(BIN)/featherdepth predict $(PHOTOS) -o demo --save color,png16 --side-by-side --overwrite
	@echo
	@echo "Look at the pictures in demo/: the photo on the left, its depth on the right (warm is near)."

# What the browser page runs networks with: fetched by npm, hashes pinned. Wheels built afterwards
# carry it, and `featherdepth app` opens the page.
app: .venv/core.stamp
	$(BIN)/python -m tools.vendor

# Two processes, one thread each: torch in both with all threads would be slower than one alone.
test: export OMP_NUM_THREADS := 1
test: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest --ignore tests/training -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/training # its own process: see docs/experiments.md, SIGINT
	$(BIN)/python -m tools.pages --check

slow: .venv/dev.stamp
	$(BIN)/python -m pytest -m slow

fmt: .venv/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

pages: .venv/dev.stamp
	$(BIN)/python -m tools.pages

clean:
	rm -rf .venv demo build dist

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 to 3.13 found; make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/core.stamp: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[openvino]'
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt recipes/requirements.txt | .venv/bin/python
	$(PIP) --editable '.[dev]' --requirement recipes/requirements.txt
	@touch $@ .venv/core.stamp
