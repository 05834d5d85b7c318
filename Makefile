# Commands for a fresh machine; all set up everything in $(VENV) first.
#
#   make demo            decode the carried sample, code it again, show it
#   make demo IN=my.mp4  code and decode yours
#   make test            lint, types, tests
#
# And one to look for bytes that break something, see docs/robustness.md:
#
#   make fuzz TARGET=decode SECONDS=600

PYTHON ?= python3
VENV ?= .venv
GVC := $(VENV)/bin/gvc
READY := $(VENV)/.ready

# Pictures and networks take memory and time; whatever takes more is reported as a finding.
FUZZ_LIMITS ?= -timeout=60 -rss_limit_mb=3072
SECONDS ?= 60
KERNEL := $(wildcard csrc/fuzz/$(TARGET).cpp)
FOUND := fuzz-found/$(TARGET)

.PHONY: demo test fuzz clean

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

fuzz: $(READY)
	mkdir -p $(FOUND)
ifneq ($(KERNEL),)
	clang++ -std=c++17 -O1 -g -ffp-contract=off -Wno-pass-failed -Icsrc/include -Icsrc/cpu \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$(KERNEL) csrc/cpu/*.cpp -pthread -o fuzz-found/run-$(TARGET)
	fuzz-found/run-$(TARGET) $(FUZZ_LIMITS) -max_total_time=$(SECONDS) \
		-artifact_prefix=fuzz-found/$(TARGET)- $(FOUND) tests/fuzz/corpus/$(TARGET)
else
	$(VENV)/bin/pip install --quiet -c constraints.txt -e '.[fuzz]'
	PYTHONPATH=tests $(VENV)/bin/python -m fuzz $(TARGET) $(FUZZ_LIMITS) -max_total_time=$(SECONDS) \
		-artifact_prefix=fuzz-found/$(TARGET)- $(FOUND) tests/fuzz/corpus/$(TARGET)
endif

clean:
	rm -rf $(VENV) demo build fuzz-found *.egg-info gvc/_native*.so
