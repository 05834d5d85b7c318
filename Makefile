# Two commands for a fresh machine; both set up everything in $(VENV) first.
#
#   make demo            decode the carried sample, code it again, show it
#   make demo IN=my.mp4  code and decode yours
#   make test            lint, types, tests

PYTHON ?= python3
VENV ?= .venv
GVC := $(VENV)/bin/gvc
READY := $(VENV)/.ready

.PHONY: demo test clean

$(READY): pyproject.toml setup.py constraints.txt $(wildcard csrc/*/* csrc/include/gvc/* bindings/*)
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade -c constraints.txt torch
	$(VENV)/bin/pip install --quiet -c constraints.txt -e '.[test]'
	$(VENV)/bin/pip install --quiet --no-deps lpips==0.1.4
	touch $@

demo: $(READY)
	mkdir -p demo
ifdef IN
	$(GVC) encode -y -v "$(IN)" demo/yours.gvc
	$(GVC) decode -y -v demo/yours.gvc demo/yours.mp4
	$(GVC) info demo/yours.gvc
	@examples/show.sh demo/yours.mp4
else
	$(GVC) decode -y -v examples/portrait.gvc demo/portrait.mp4
	$(GVC) encode -y -v demo/portrait.mp4 demo/again.gvc
	$(GVC) decode -y -v demo/again.gvc demo/again.mp4
	$(GVC) info examples/portrait.gvc
	@examples/show.sh demo/portrait.mp4
endif

test: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest -n auto --dist loadfile

clean:
	rm -rf $(VENV) demo build *.egg-info gvc/_native*.so
