# `make test` and `make demo` set up everything they need, from a bare clone; repeating them is cheap.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMPS := .venv/stamps
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
CORE := cpp_ext/CMakeLists.txt cpp_ext/cuda.cmake $(wildcard cpp_ext/include/mlip/* cpp_ext/src/*.h cpp_ext/src/*/*)
CORE_TESTS := $(wildcard cpp_ext/tests/*)
CXX_SOURCES := $(filter %.h %.cpp %.cu,$(CORE) $(CORE_TESTS))
FUZZ_SECONDS ?= 60
KILL_SEEDS ?= 20
# of GPUs, as CMake counts them; `native` is those that are here
CUDA_ARCHITECTURES ?= 80

.PHONY: help setup cuda demo test check core-test docs bench bench-cuda fuzz kills clean

help:
	@echo "make setup   the environment in .venv, with the compiled core if there is a compiler"
	@echo "make cuda    the library for GPUs, with nvcc, CUDA_ARCHITECTURES=$(CUDA_ARCHITECTURES)"
	@echo "make demo    train, judge and run a silicon potential in a few minutes"
	@echo "make test    style, types, layers, the core under sanitizers, and all tests"
	@echo "make docs    the documentation, in docs/_build/html"
	@echo "make bench   the neighbour list beside other libraries"
	@echo "make bench-cuda  the neighbour list, descriptors and equivariant messages on a GPU"
	@echo "make fuzz    random inputs for the core under sanitizers, FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make kills   random kills of campaigns, KILL_SEEDS=$(KILL_SEEDS) of each kind"
	@echo "make clean   removes what was built; the environment stays"

# ------------------------------------------------------------------------------------------ set-up

$(STAMPS)/venv:
	$(PYTHON) -m venv .venv
	mkdir -p $(STAMPS) && touch $@

# torch is installed first and by its exact version: asked for loosely it may be gigabytes.
$(STAMPS)/torch: constraints.txt $(STAMPS)/venv
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	touch $@

$(STAMPS)/build: $(STAMPS)/torch
	$(PIP) scikit-build-core cmake ninja
	touch $@

# Without isolation, the core is built with the headers of the torch it will run with.
$(STAMPS)/package: pyproject.toml $(CORE) $(STAMPS)/build
	$(PIP) --no-build-isolation --editable ".[test]"
	touch $@

$(STAMPS)/docs: $(STAMPS)/package
	$(PIP) --no-build-isolation --editable ".[docs]"
	touch $@

$(STAMPS)/bench: $(STAMPS)/package
	$(PIP) --no-build-isolation --editable ".[bench]"
	touch $@

setup: $(STAMPS)/package

# Built also where no GPU is, and beside a torch without CUDA, to see that it compiles and loads.
cuda: $(STAMPS)/package
	SKBUILD_STATE=editable $(BIN)/cmake -S cpp_ext -B build/cuda -G Ninja \
		-DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
		-DMLIP_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$(CUDA_ARCHITECTURES)"
	$(BIN)/cmake --build build/cuda --target mlip_torch_cuda

# ------------------------------------------------------------------------------------------- tests

test: check core-test
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist worksteal

check: $(STAMPS)/package
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CXX_SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

# Many more random kills and full disks than the tests have, KILL_SEEDS of each: campaigns with each
# uncertainty, under each executor.
kills: $(STAMPS)/package
	KILL_SEEDS=$(KILL_SEEDS) OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist worksteal \
		-k "killed_anywhere or fills_up" tests/active_learning

# ------------------------------------------------------------------------------- what people run

demo: $(STAMPS)/package
	OMP_NUM_THREADS=1 $(BIN)/python examples/01_silicon_demo.py

docs: $(STAMPS)/docs
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

bench: $(STAMPS)/bench
	$(BIN)/python tests/benchmarks/neighbours.py

bench-cuda: $(STAMPS)/package
	$(BIN)/python tests/benchmarks/neighbours_cuda.py
	$(BIN)/python tests/benchmarks/descriptors_cuda.py
	$(BIN)/python tests/benchmarks/equivariant_cuda.py

# -------------------------------------------------------------------------------- the C++ core alone

build/sanitized/done: $(CORE) $(CORE_TESTS) $(STAMPS)/build
	$(BIN)/cmake -S cpp_ext -B build/sanitized -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
		-DMLIP_TESTS=ON -DMLIP_SANITIZE=ON
	$(BIN)/cmake --build build/sanitized
	touch $@

core-test: build/sanitized/done
	$(BIN)/ctest --test-dir build/sanitized --output-on-failure

ifneq ($(shell command -v clang++),)
build/fuzz/done: $(CORE) $(CORE_TESTS) $(STAMPS)/build
	$(BIN)/cmake -S cpp_ext -B build/fuzz -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
		-DCMAKE_CXX_COMPILER=clang++ -DMLIP_TESTS=ON -DMLIP_SANITIZE=ON -DMLIP_LIBFUZZER=ON
	$(BIN)/cmake --build build/fuzz
	touch $@

fuzz: build/fuzz/done
	mkdir -p build/fuzz/corpus
	build/fuzz/tests/fuzz_neighbours -max_total_time=$(FUZZ_SECONDS) -max_len=600 build/fuzz/corpus
else
fuzz: build/sanitized/done
	@echo "without clang++ there is no libFuzzer: random inputs, not guided by coverage"
	build/sanitized/tests/fuzz_neighbours $(FUZZ_SECONDS)
endif

clean:
	rm -rf build dist docs/_build docs/generated docs/gallery $(STAMPS)/package
	rm -rf cpp_ext/CMakeFiles cpp_ext/.cmake cpp_ext/CMakeInit.txt cpp_ext/CMakeCache.txt cpp_ext/cmake_install.cmake cpp_ext/build.ninja \
		cpp_ext/.ninja_deps cpp_ext/.ninja_log cpp_ext/.skbuild-info.json
	rm -f mlip/kernels/*.so
