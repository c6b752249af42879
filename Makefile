# unmask: `make demo` and `make check` do everything; see README.md.
#
#   make [TORCH=no | LIBTORCH=/path [CUDA_HOME=/path]] [SANITIZE=address,undefined] [V=1]
#   make check [ISA=avx512|avx2|generic] [THREADS=N] [TESTS='t/3050-layers.t ...']
#   make deps | bench | golden | install [DESTDIR= prefix=] | clean
#
# Tools, library files, unit tests and fuzz targets are found by wildcard: adding one is adding a file.
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
-include config.mk                    # local overrides, not committed

prefix   ?= /usr/local
CC       := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
CXX      := $(if $(filter default undefined,$(origin CXX)),g++,$(CXX))
AR       ?= ar
CFLAGS   ?= -O2 -g
CXXFLAGS ?= -O2 -g
TORCH    ?= yes
LIBTORCH ?=
SANITIZE ?=
Q        := $(if $(filter 1,$(V)),,@)
comma    := ,

# ---- flavours: each has its own folder of objects, so builds never mix ------------------------
WITH_TORCH := $(filter-out no,$(TORCH))
ifneq ($(LIBTORCH),)
FLAVOUR  := -$(shell echo '$(LIBTORCH)' | cksum | cut -d' ' -f1)
endif
B        := build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),plain)$(if $(WITH_TORCH),$(FLAVOUR),-notorch)

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings \
            -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes $(if $(CI),-Werror)
SAN      := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CPP_ALL  := -D_GNU_SOURCE -Ilib -I$(B) -MMD -MP
C_ALL     = -std=c11 $(WARN) $(CFLAGS) $(SAN) -ffp-contract=off -fopenmp
PKGS     := msgpack libarchive jansson libpng libjpeg libwebp lmdb zlib libxxhash yaml-0.1 openblas lapacke
PKG_INC   = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# A program loads only what it uses: OpenBLAS alone would double the start of the others.
LDLIBS   ?= -Wl$(comma)--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldl -lpthread -lm

# ---- libtorch: only lib/th knows it; the seam is a shared object that is loaded on first use ----
ifneq ($(LIBTORCH),)
TH_INC   := -isystem $(LIBTORCH)/include -isystem $(LIBTORCH)/include/torch/csrc/api/include
TH_LIB   := $(LIBTORCH)/lib
TH_CUDA  := $(wildcard $(TH_LIB)/libtorch_cuda.so)
# Graphs need cuda_runtime_api.h, no CUDA compiler: a pip package of libtorch has it beside itself.
CUDA_INC := $(if $(TH_CUDA),$(patsubst %/cuda_runtime_api.h,%,$(firstword $(wildcard \
            $(addsuffix /cuda_runtime_api.h,$(if $(CUDA_HOME),$(CUDA_HOME)/include,$(LIBTORCH)/../nvidia/*/include \
            /usr/local/cuda/include /usr/include))))))
NO_CUDA_INC := the CUDA libtorch in $(LIBTORCH) needs cuda_runtime_api.h, which is nowhere: CUDA_HOME=DIR says whose \
            include/ has it, a CUDA toolkit's or that of the pip package nvidia-cuda-runtime
TH_LINK  := -L$(TH_LIB) -Wl$(comma)-rpath$(comma)$(TH_LIB) -ltorch_cpu -lc10 \
            $(if $(TH_CUDA),-Wl$(comma)--no-as-needed -ltorch_cuda -lc10_cuda)
TH_ABI   := -D_GLIBCXX_USE_CXX11_ABI=$(shell nm -DC $(TH_LIB)/libc10.so 2>/dev/null | \
            grep -q 'c10::Error::Error.c10::SourceLocation, std::__cxx11' && echo 1 || echo 0)
# The seam is C++17; headers of newer libtorches ask for C++20 themselves.
TH_STD   := $(if $(shell grep -l 'C++20' $(LIBTORCH)/include/ATen/ATen.h 2>/dev/null),c++20,c++17)
else
TH_INC   := -isystem /usr/include/torch/csrc/api/include
TH_LINK  := -ltorch_cpu -lc10
TH_ABI   :=
TH_STD   := c++17
endif
TH_DEFS  := -DTH_CUDA=$(if $(TH_CUDA),1 $(addprefix -isystem ,$(filter-out /usr/include,$(CUDA_INC))),0)

# What cannot do without gradients; the rest runs its networks by lib/nn.
TORCH_TOOLS := um-train um-prune
TOOLS_C  := $(filter-out $(if $(WITH_TORCH),,$(TORCH_TOOLS:%=tools/%.c)),$(wildcard tools/*.c))
LIB_C    := $(wildcard lib/*/*.c)
LIB      := $(B)/libunmask.a
SEAM     := $(if $(WITH_TORCH),$(B)/libunmask-th.so)
SEAM_O   := $(patsubst %.cpp,$(B)/%.o,$(wildcard lib/th/*.cpp))
TOOLS    := $(TOOLS_C:tools/%.c=$(B)/%)
UNIT_C   := $(wildcard t/unit/*.c)
UNIT     := $(patsubst t/unit/%.c,$(B)/t/%.t,$(if $(WITH_TORCH),$(UNIT_C),$(filter-out t/unit/um_%.c t/unit/th_%.c,$(UNIT_C))))
FUZZ     := $(patsubst t/fuzz/fuzz_%.c,$(B)/fuzz_%,$(wildcard t/fuzz/fuzz_*.c))
HELPERS  := $(patsubst t/helper/%.c,$(B)/t/helper/%,$(if $(WITH_TORCH),$(wildcard t/helper/*.c),$(filter-out t/helper/nn-bench.c,$(wildcard t/helper/*.c))))

all: $(TOOLS) $(SEAM)

$(B)/%.o: %.c | $(B)/version.h
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC $<")
	$(Q)$(CC) $(CPP_ALL) $(PKG_INC) $(C_ALL) -c -o $@ $<
# The kernels are made of multiply-adds, and of loops that are to unroll.
$(B)/lib/nn/%.o: C_ALL += -O3 -ffp-contract=fast
$(B)/lib/th/%.o: lib/th/%.cpp
	@mkdir -p $(@D)
	@$(if $(TH_CUDA),$(if $(CUDA_INC),,echo "$(NO_CUDA_INC)" >&2; exit 1))
	@$(if $(Q),echo "  CXX $<")
	$(Q)$(CXX) $(CPP_ALL) $(TH_INC) $(TH_DEFS) $(TH_ABI) -std=$(TH_STD) -Wall -Wextra -fPIC -fvisibility=hidden \
		$(CXXFLAGS) -c -o $@ $<
$(B)/libunmask-th.so: $(SEAM_O)
	@$(if $(Q),echo "  LINK $@")
	$(Q)$(CXX) -shared -o $@ $^ $(TH_LINK)
$(LIB): $(LIB_C:%.c=$(B)/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

LINK = @mkdir -p $(@D); $(if $(Q),echo "  LINK $@";) \
	$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS) -fopenmp
$(TOOLS): $(B)/%: $(B)/tools/%.o $(LIB)
	$(LINK)
$(UNIT): $(B)/t/%.t: $(B)/t/unit/%.o $(LIB)
	$(LINK)
# The seam is opened beside the program, so unit tests and helpers have it beside them.
$(UNIT): | $(if $(SEAM),$(B)/t/libunmask-th.so)
$(HELPERS): | $(if $(SEAM),$(B)/t/helper/libunmask-th.so)
$(B)/t/libunmask-th.so $(B)/t/helper/libunmask-th.so: $(SEAM)
	@mkdir -p $(@D)
	$(Q)ln -sf $(CURDIR)/$(SEAM) $@
$(HELPERS): $(B)/t/helper/%: $(B)/t/helper/%.o $(LIB)
	$(LINK)
$(FUZZ): $(B)/%: $(B)/t/fuzz/%.o $(B)/t/fuzz/standalone.o $(LIB)
	$(LINK)

$(B)/version.h: FORCE                 # rewritten only when its text changes
	@mkdir -p $(@D)
	@{ echo '#define UNMASK_VERSION "'`git describe --always --dirty 2>/dev/null || echo unknown`'"'; \
	echo '#define UNMASK_BUILD "$(CC) $(CFLAGS)$(if $(SANITIZE), -fsanitize=$(SANITIZE))"'; } > $@.tmp; \
	if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi

# ---- what Debian must have -------------------------------------------------------------------
# `make deps` installs what is missing and does nothing when all is there.
deps:
	@TORCH='$(if $(LIBTORCH),own,$(TORCH))' GOLDEN='$(GOLDEN)' sh t/helper/deps.sh

# ---- tests -----------------------------------------------------------------------------------
# The set-up comes first (a sub-make, so that pkg-config is asked after the packages are there).
check: deps
	@+$(MAKE) --no-print-directory run-tests
TESTS ?= $(UNIT) $(wildcard t/*.t)
# ISA: as on a processor whose best instructions these are, in our kernels, OpenBLAS, oneDNN, ATen and the C library.
# THREADS: as on one with so many processors.
AS_ON_avx512  := OPENBLAS_CORETYPE=SkylakeX ONEDNN_MAX_CPU_ISA=AVX512_CORE ATEN_CPU_CAPABILITY=avx512
AS_ON_avx2    := OPENBLAS_CORETYPE=Haswell ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2
AS_ON_generic := OPENBLAS_CORETYPE=Nehalem ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default \
                 GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA
AS_ON    := $(if $(ISA),UNMASK_ISA=$(ISA) $(AS_ON_$(ISA))) $(if $(THREADS),OMP_NUM_THREADS=$(THREADS))
# Two tests at a time have more threads than processors: those that wait are not to spin.
run-tests: all $(UNIT) $(FUZZ) $(HELPERS)
	@PATH="$(CURDIR)/$(B):$$PATH" SRC="$(CURDIR)" BUILD="$(CURDIR)/$(B)" TORCH="$(TORCH)" \
	SANITIZE="$(SANITIZE)" LIBTORCH="$(LIBTORCH)" OMP_WAIT_POLICY=passive $(AS_ON) prove -j2 --timer $(TESTS)
golden:                               # makes the golden files anew with Debian's Python
	@cd t/golden && for f in *.py; do echo "  GOLDEN $$f"; /usr/bin/python3 $$f || exit 1; done
bench: deps
	@+$(MAKE) --no-print-directory run-bench
run-bench: all $(HELPERS)
	@PATH="$(CURDIR)/$(B):$$PATH" SRC="$(CURDIR)" BUILD="$(CURDIR)/$(B)" TORCH="$(TORCH)" sh t/perf/bench.sh

# ---- experiments -----------------------------------------------------------------------------
demo: deps
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/demo.mk
cifar10: deps
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/cifar10.mk

um-vs-umap trajectory atypical oe: deps
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/$@.mk

install: all
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/man/man1 \
		$(DESTDIR)$(prefix)/share/man/man5 $(DESTDIR)$(prefix)/share/unmask/pipelines/plots $(DESTDIR)$(prefix)/share/unmask/configs
	install -p $(TOOLS) $(DESTDIR)$(prefix)/bin
	$(if $(SEAM),install -d $(DESTDIR)$(prefix)/lib/unmask && install -p -m 644 $(SEAM) $(DESTDIR)$(prefix)/lib/unmask)
	install -p -m 644 $(TOOLS_C:.c=.1) $(DESTDIR)$(prefix)/share/man/man1
	install -p -m 644 lib/ts/ts.5 $(DESTDIR)$(prefix)/share/man/man5
	install -p -m 644 $(filter-out %/plots,$(wildcard pipelines/*)) $(DESTDIR)$(prefix)/share/unmask/pipelines
	install -p -m 644 $(wildcard pipelines/plots/*) $(DESTDIR)$(prefix)/share/unmask/pipelines/plots
	install -p -m 644 $(wildcard configs/*.yaml configs/*.txt) $(DESTDIR)$(prefix)/share/unmask/configs
clean:
	rm -rf build
FORCE:
.PHONY: all deps check run-tests golden bench run-bench demo cifar10 um-vs-umap trajectory atypical oe install clean FORCE
-include $(shell find $(B) -name '*.d' 2>/dev/null)
