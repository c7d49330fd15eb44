# The project's commands. `make demo` and `make test` set everything up in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test check docs bench clean

setup: $(VENV)/.ready

# torch first and by exact version: any other request takes the largest build there is. Bytecode is made of what is used, when it
# is: to make it of all the packages takes a minute.
$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[train,serve,eval,ray,remote,dedup,dev]'
	touch $@

demo: setup
	$(BIN)/unmoor demo -o runs/demo --force

# One process more than there are cores, for some tests wait; a file's tests stay together. One after the other: make test WORKERS=0
# The hundreds of commands that they run start in half the time if the first may leave its bytecode.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
test: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/generate_cli.py

bench: setup
	$(BIN)/python bench/run.py

clean:
	rm -rf $(VENV) build dist runs
