# Commands for a fresh machine; all set up everything in $(VENV) first.
#
#   make demo            decode the carried sample, code it again, show it
#   make demo IN=my.mp4  code and decode yours
#   make test            lint, types, tests
#   make test-lowest     vectors, round trips, API with the lowest versions that pyproject.toml allows
#   make test-dist       all tests of the wheel, some of the source distribution, installed as users do
#   make dist            both of them, in dist/
#
# And one to look for bytes that break something, see docs/robustness.md:
#
#   make fuzz TARGET=decode SECONDS=600

PYTHON ?= python3
VENV ?= .venv
GVC := $(VENV)/bin/gvc
READY := $(VENV)/.ready

# Further environments, made anew each time.
BUILD := $(VENV)-build
WHEEL := $(VENV)-wheel
SOURCE := $(VENV)-source
LOWEST := $(VENV)-lowest
# The lowest Python that pyproject.toml allows.
LOWEST_PYTHON ?= $(shell command -v python3.11 || echo $(PYTHON))

# Tests of the copy that is installed: the folder that a program is run in is not searched.
INSTALLED := PYTHONSAFEPATH=1 GVC_INSTALLED=1
PYTEST_OPTIONS ?= -n auto --dist loadfile

LOWEST_TESTS := $(addprefix tests/test_,$(addsuffix .py,\
	api archive_ray bitstream canvas cli container entropy examples motion_run numpy_versions ops \
	packaging picture_vectors pipeline several_faces speaker_pack vectors))
# Under NumPy 1 these also run with the rules of NumPy 2, where a difference is an error.
PROMOTION_TESTS := $(addprefix tests/test_,$(addsuffix .py,pipeline several_faces vectors))
# Without the native kernels, through torch's operators.
SOURCE_TESTS := $(addprefix tests/test_,$(addsuffix .py,examples packaging vectors))

# Pictures and networks take memory and time; whatever takes more is reported as a finding.
FUZZ_LIMITS ?= -timeout=60 -rss_limit_mb=3072
SECONDS ?= 60
KERNEL := $(wildcard csrc/fuzz/$(TARGET).cpp)
FOUND := fuzz-found/$(TARGET)

.PHONY: demo test test-dist test-lowest ci check sdist dist tests-of-dist tests-of-lowest fuzz clean
.PHONY: $(WHEEL) $(SOURCE) $(LOWEST)

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
	$(MAKE) check BIN=$(VENV)/bin
	$(VENV)/bin/pytest $(PYTEST_OPTIONS)

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

sdist:
	rm -rf dist $(BUILD)
	$(PYTHON) -m venv $(BUILD)
	$(BUILD)/bin/pip install --quiet -c constraints.txt build
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BUILD)/bin/python -m build --sdist --outdir dist

# The wheel is built from the source distribution, which must hold all that it needs.
dist: sdist
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt \
		$(BUILD)/bin/pip wheel --quiet --no-deps --wheel-dir dist dist/*.tar.gz

# As on a machine without a compiler: a wheel brings its kernels, the source distribution goes without.
$(WHEEL) $(SOURCE): NO_COMPILER = env CC=no-compiler CXX=no-compiler PATH=$@/bin

$(WHEEL): dist
	rm -rf $@
	$(PYTHON) -m venv $@
	$(NO_COMPILER) $@/bin/pip install --quiet -c constraints.txt "$$(echo dist/*.whl)[test]"
	$@/bin/pip install --quiet --no-deps lpips==0.1.4
	cd $@ && $(NO_COMPILER) bin/gvc info --build --json | grep '"native": true'

$(SOURCE): sdist
	rm -rf $@
	$(PYTHON) -m venv $@
	$(NO_COMPILER) $@/bin/pip install --quiet -c constraints.txt dist/*.tar.gz
	cd $@ && $(NO_COMPILER) bin/gvc info --build --json | grep '"native": false'
	$@/bin/pip install --quiet -c constraints.txt hypothesis packaging pytest pytest-xdist

$(LOWEST): sdist
	rm -rf $@
	$(LOWEST_PYTHON) -m venv $@
	$@/bin/pip install --quiet -c constraints-lowest.txt pybind11 setuptools
	$@/bin/pip install --quiet --no-build-isolation -c constraints-lowest.txt \
		"$$(echo dist/*.tar.gz)[test]"
	$@/bin/pip install --quiet --no-deps lpips==0.1.4

test-dist: $(WHEEL) $(SOURCE)
	$(MAKE) tests-of-dist

test-lowest: $(LOWEST)
	$(MAKE) tests-of-lowest

# All of it; environments are made side by side with -j.
ci: $(WHEEL) $(SOURCE) $(LOWEST)
	$(MAKE) tests-of-dist
	$(MAKE) tests-of-lowest

tests-of-dist:
	$(MAKE) check BIN=$(WHEEL)/bin
	$(INSTALLED) GVC_DIST=$(CURDIR)/dist $(WHEEL)/bin/pytest $(PYTEST_OPTIONS)
	$(INSTALLED) $(SOURCE)/bin/pytest $(PYTEST_OPTIONS) $(SOURCE_TESTS)

tests-of-lowest:
	$(INSTALLED) $(LOWEST)/bin/pytest $(PYTEST_OPTIONS) $(LOWEST_TESTS)
	$(INSTALLED) NPY_PROMOTION_STATE=weak_and_warn PYTHONWARNINGS='error:result dtype changed' \
		$(LOWEST)/bin/pytest $(PYTEST_OPTIONS) -W 'error:result dtype changed' $(PROMOTION_TESTS)

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
	rm -rf $(VENV) $(BUILD) $(WHEEL) $(SOURCE) $(LOWEST)
	rm -rf demo build dist fuzz-found *.egg-info gvc/_native*.so
