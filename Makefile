# make demo and make test do their whole set-up; they need Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench lock clean

$(BIN)/shipbench: pyproject.toml requirements/runtime.txt scripts/bootstrap.sh
	@scripts/bootstrap.sh $(PYTHON) $(VENV) runtime

$(VENV)/.dev: pyproject.toml requirements/dev.txt scripts/bootstrap.sh
	@scripts/bootstrap.sh $(PYTHON) $(VENV) dev

demo: $(BIN)/shipbench
	@$(BIN)/shipbench demo --out demo-output

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev lint
	@scripts/test.sh $(BIN)

bench: $(VENV)/.dev
	$(BIN)/python -m bench

lock:
	scripts/lock.sh

clean:
	rm -rf $(VENV) .tools demo-output dist build
