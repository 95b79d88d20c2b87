.DEFAULT_GOAL := help
# Relative paths only: the folder may have spaces in its name.
PY := .venv/bin/python
UV := .venv/bin/uv
empty :=
space := $(empty) $(empty)
SOURCES := $(wildcard shared/src gateway/src servers/*/src infra/*/src infra/sandbox/*/src playbook/src)
export UV_PYTHON_DOWNLOADS := never

.PHONY: help
help: ## this page
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: types
types: ## mypy --strict over sources and tests
	MYPYPATH=$(subst $(space),:,$(SOURCES)):tests $(PY) -m mypy $(SOURCES) tests

.PHONY: lock
lock: ## resolve the dependencies anew into requirements.lock
	$(UV) lock -q
	$(UV) export -q --frozen --all-packages --all-groups --no-emit-workspace --no-annotate --no-header -o requirements.lock
