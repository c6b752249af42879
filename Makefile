# unmask: `make demo` and `make check` do everything; see README.md.
#
#   make help                 every target, one line each
#   make [TARGET] [TORCH=no | LIBTORCH=/path [CUDA_HOME=/path]] [SANITIZE=address,undefined] [CC=clang] [V=1]
#   make check [ISA=avx512|avx2|generic] [THREADS=N] [TESTS='t/3050-layers.t ...']
#
# Tools, library files, unit tests and fuzz targets are found by wildcard: to add one, add a file.
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
-include config.mk                    # local overrides, not committed

VERSION  := 0.2.0-dev
# Only of a repository here, not of one that contains this folder; `git archive` writes it into .commit.
COMMIT   := $(shell GIT_CEILING_DIRECTORIES="$$(dirname "$$PWD")" git describe --always --dirty --exclude='*' \
            2>/dev/null || grep -x '[0-9a-f]*' .commit)
prefix   ?= /usr/local
libdir   ?= $(prefix)/lib
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
# gcc has no suffix, clang-14 has -clang-14.
BY       := $(subst $(empty) ,,$(addprefix -,$(filter-out gcc g++ cc c++ ccache -%,$(notdir $(CC)))))
B        := build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),plain)$(BY)$(if $(WITH_TORCH),$(FLAVOUR),-notorch)

# These are off, as what they report in today's code are not faults: -Wdouble-promotion (69: a float as a double is
# exact),
# -Wswitch-enum (31 switches with a default; -Wall reports those without), -Wfloat-equal (107: compared with what was
# stored), -Wcast-qual and -Wcast-align (10: the cast is written out), -Wnull-dereference (guesses). clang reports an
# int used as an enum as a change of sign, and loops that it does not vectorise.
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wpointer-arith \
            -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wconversion \
            $(if $(findstring clang,$(CC)),-Wno-sign-conversion -Wno-pass-failed,-Wsign-conversion -Wformat-signedness \
            -Wlogical-op -Wduplicated-cond -Wduplicated-branches) $(if $(CI),-Werror)
SAN      := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# With fuzzer among them, only the fuzz targets get the engine's main().
FUZZER   := $(findstring fuzzer,$(SANITIZE))
SAN_C    := $(SAN:-fsanitize=fuzzer%=-fsanitize=fuzzer-no-link%)
CPP_ALL  := -D_GNU_SOURCE -Ilib -I$(B) -MMD -MP
# All of it may go into libunmask.so, which exports only what unmask.h declares.
C_ALL     = -std=c11 $(WARN) $(CFLAGS) $(SAN_C) -ffp-contract=off -fopenmp -fPIC -fvisibility=hidden
# msgpack-c changed its name in version 4: use the first one found.
MSGPACK  := $(firstword $(shell for p in msgpack-c msgpack; do pkg-config --exists $$p && echo $$p; done 2>/dev/null) msgpack-c)
PKGS     := $(MSGPACK) libarchive jansson libpng libjpeg libwebp libwebpdemux libgif lmdb zlib libxxhash yaml-0.1
PKG_INC   = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
NO_LIBRARIES := { echo 'unmask lacks libraries: "make deps" installs them, or names them' >&2; exit 1; }
# A program loads only what it uses. OpenBLAS and libarchive are opened on first use (lib/num/num_blas.h, lib/arc/arc.h).
LDLIBS   ?= -Wl$(comma)--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldl -lpthread -lm

# ---- libtorch: only lib/th uses it; the seam is a shared object, loaded on first use ----
SEAM_SRC := lib
SEAM_B   := $(B)/lib
SEAM_CPP  = $(CPP_ALL)
include lib/th/th_seam.mk

TOOLS_C  := $(wildcard tools/*.c)
LIB_C    := $(wildcard lib/*/*.c lib/*/*/*.c)
LIB_O    := $(LIB_C:%.c=$(B)/%.o)
LIB      := $(B)/libunmask.a
SEAM     := $(if $(WITH_TORCH),$(B)/libunmask-th.so)
# The library for other programs. Its number changes when programs linked with it would no longer run.
SONAME   := libunmask.so.0
TOOLS    := $(TOOLS_C:tools/%.c=$(B)/%)
# Tests that run a network with libtorch; the other tests of lib/um work without it, and so under the sanitizers.
TORCH_TESTS := um_engine um_exec um_precision um_queue
UNIT_C   := $(filter-out $(if $(WITH_TORCH),,$(TORCH_TESTS:%=t/unit/%.c)),$(wildcard t/unit/*.c))
UNIT     := $(UNIT_C:t/unit/%.c=$(B)/t/%.t)
FUZZ     := $(patsubst t/fuzz/fuzz_%.c,$(B)/fuzz_%,$(wildcard t/fuzz/fuzz_*.c))
HELPER_C := $(filter-out $(if $(WITH_TORCH),,t/helper/nn-bench.c),$(wildcard t/helper/*.c))
HELPERS  := $(HELPER_C:t/helper/%.c=$(B)/t/helper/%)
SHIMS    := $(if $(SANITIZE),,$(patsubst t/shim/%.c,$(B)/t/shim/%.so,$(wildcard t/shim/*.c)))

all: $(TOOLS) $(SEAM) $(B)/libunmask.so ## the programs and the library, in build/plain

$(B)/%.o: %.c $(B)/flags-c | $(B)/version.h
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC $<")
	$(Q)$(CC) $(CPP_ALL) $(PKG_INC) $(C_ALL) $(C_MORE) -c -o $@ $<
# The kernels consist of multiply-adds and of loops to unroll.
$(B)/lib/nn/%.o: C_MORE = -O3 -ffp-contract=fast
# Vectors that the processor does not have take the optimiser a minute.
$(B)/t/unit/nn_wide.o: C_MORE = -O0 -Wno-psabi
# Records what objects were compiled with: they are compiled again when the flags change (CFLAGS=, CI=). A target's own
# flags are not recorded, as prerequisites inherit them.
$(B)/flags-c: FORCE
	$(call KEEP,$(CC) $(CPP_ALL) $(PKG_INC) $(C_ALL))
$(SEAM_O): $(B)/flags-cxx
$(B)/flags-cxx: FORCE
	$(call KEEP,$(CXX) $(SEAM_CPP) $(TH_INC) $(TH_DEFS) $(TH_ABI) $(CXXFLAGS))
# $(call KEEP,TEXT): writes this line to the target, only if it has changed.
KEEP = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$1)' >$@.tmp; \
	if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi
$(B)/libunmask-th.so: $(SEAM_O)
	$(SEAM_LINK)
$(LIB): $(filter-out %/arc_linked.o,$(LIB_O))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/$(SONAME): LDFLAGS += -shared -Wl,-soname,$(SONAME) $(if $(SANITIZE),,-Wl$(comma)-z$(comma)defs)
$(B)/$(SONAME): $(patsubst %.c,$(B)/%.o,$(wildcard lib/unmask/*.c)) $(LIB)
	$(LINK)
$(B)/libunmask.so: $(B)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

LINK_LIBS = $(LDLIBS)
LINK_SAN  = $(SAN_C)
LINK = @mkdir -p $(@D); $(if $(Q),echo "  LINK $@";) \
	$(CC) $(LINK_SAN) $(LDFLAGS) -o $@ $^ $(LINK_LIBS) -fopenmp
$(TOOLS): $(B)/%: $(B)/tools/%.o $(LIB)
	$(LINK)
$(UNIT): $(B)/t/%.t: $(B)/t/unit/%.o $(LIB)
	$(LINK)
# Programs open the seam from their own folder, so unit tests and helpers get a copy in theirs.
$(UNIT): | $(if $(SEAM),$(B)/t/libunmask-th.so)
$(HELPERS): | $(if $(SEAM),$(B)/t/helper/libunmask-th.so)
$(B)/t/libunmask-th.so $(B)/t/helper/libunmask-th.so: $(SEAM)
	@mkdir -p $(@D)
	$(Q)ln -sf $(CURDIR)/$(SEAM) $@
$(HELPERS): $(B)/t/helper/%: $(B)/t/helper/%.o $(LIB)
	$(LINK)
# Libraries that tests preload into programs, or put beside them.
$(B)/t/shim/played.so: t/unit/um_lanes.h lib/th/th.h
$(B)/t/shim/%.so: t/shim/%.c
	@mkdir -p $(@D)
	@$(if $(Q),echo "  LINK $@")
	$(Q)$(CC) -std=gnu11 -O2 -fPIC -shared -fno-builtin -Ilib -o $@ $< -ldl
$(FUZZ): LINK_SAN = $(SAN)
$(FUZZ): $(B)/%: $(B)/t/fuzz/%.o $(if $(FUZZER),,$(B)/t/fuzz/standalone.o) $(LIB)
	$(LINK)

# What the programs report about themselves, and the sonames of libraries that they open. Rewritten only when its text
# changes.
$(B)/version.h: FORCE
	@$(if $(filter file,$(origin LDLIBS)),pkg-config --print-errors --exists $(PKGS) || $(NO_LIBRARIES))
	@mkdir -p $(@D)
	@soname() { readelf -d "$$($(CC) -print-file-name=$$1)" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p'; }; \
	{ echo '#define UNMASK_VERSION "$(VERSION)$(COMMIT:%=+%)"'; \
	echo '#define UNMASK_BUILD "$(shell uname -m), $(CFLAGS)$(if $(SANITIZE), -fsanitize=$(SANITIZE))"'; \
	echo "#define LIBMATIO \"$$(soname libmatio.so)\""; \
	echo "#define LIBARCHIVE \"$$(soname libarchive.so)\""; } >$@.tmp; \
	if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi

# ---- Debian packages needed -------------------------------------------------------------------
# `make deps` installs what is missing, and does nothing if nothing is.
deps:                                  ## installs the packages that are missing
	@TORCH='$(if $(LIBTORCH),own,$(TORCH))' GOLDEN='$(GOLDEN)' CC='$(CC)' SANITIZE='$(SANITIZE)' sh t/helper/deps.sh
deps-all:                              ## the same, and what some tests need besides: MPI, Slurm, ssh
	@TORCH='$(if $(LIBTORCH),own,$(TORCH))' GOLDEN=yes CLUSTER=yes CC='$(CC)' SANITIZE='$(SANITIZE)' sh t/helper/deps.sh

# ---- tests -----------------------------------------------------------------------------------
# The set-up comes first, in a sub-make, so that pkg-config runs after the packages are installed.
check: deps                            ## all tests; TESTS='t/1000-ts-cat.t t/unit/ts_rng.c' runs some of them, LEAVE_OUT='t/4%' all others
	@+$(MAKE) --no-print-directory run-tests
check-fast: deps                       ## the quick tests: two minutes on two cores
	@+$(MAKE) --no-print-directory run-tests TESTS='$(filter-out $(LONG),$(TESTS))'
check-all: deps                        ## all tests, and the long studies (SLOW=yes)
	@+$(MAKE) --no-print-directory run-tests SLOW=yes
# Those of ten seconds or more, the longest first: `make check` begins with them, so that none is left for one processor at
# the end, and `make check-fast` leaves them out. All others take three to four minutes of a processor.
SLOW_TESTS := 2420-on-device 2300-zoo 9110-examine 2050-runs 2230-um-ckpt-names 2070-oe 0020-fuzz 0010-every-tool 1130-ds-hostile \
              4015-page-examples 2080-engines 0030-faults 3040-real-features 2090-ranks 1120-ds-choose 2310-zoo-use 1110-ds-formats \
              2410-device 4009-cluster 4004-published 4003-bundle 0040-flips 2015-training-edges 2055-runs-begun 1040-arrays \
              2220-um-ckpt-objects 1106-terminal 1003-temporaries 3003-metrics-sklearn 4015-pages 4001-pipelines
SLOW_UNIT  := um_engine nn_run um_exec um_precision ood_watch
EVERY     := $(UNIT) $(wildcard t/*.t)
LONG      := $(foreach t,$(SLOW_UNIT:%=$(B)/t/%.t) $(SLOW_TESTS:%=t/%.t),$(filter $t,$(EVERY)))
LEAVE_OUT ?=
TESTS     ?= $(filter-out $(LEAVE_OUT),$(LONG) $(filter-out $(LONG),$(EVERY)))
# A unit test is named by its source or its program; shell tests need the programs.
ASKED     := $(TESTS:t/unit/%.c=$(B)/t/%.t)
NEEDED_BY := $(if $(filter-out $(B)/%,$(ASKED)),all $(HELPERS) $(SHIMS) $(if $(filter t/0020% t/9110%,$(ASKED)),$(UNIT) $(FUZZ)))
PROVE     ?= prove -j2 --timer
# ISA: run as on a processor with at most these instructions, in our kernels, OpenBLAS, oneDNN, ATen and the C library.
# THREADS: run as on a machine with this many processors.
AS_ON_avx512  := OPENBLAS_CORETYPE=SkylakeX ONEDNN_MAX_CPU_ISA=AVX512_CORE ATEN_CPU_CAPABILITY=avx512
AS_ON_avx2    := OPENBLAS_CORETYPE=Haswell ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2
AS_ON_generic := OPENBLAS_CORETYPE=Nehalem ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default \
                 GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA
AS_ON    := $(if $(ISA),UNMASK_ISA=$(ISA) $(AS_ON_$(ISA))) $(if $(THREADS),OMP_NUM_THREADS=$(THREADS))
# Two tests at a time have more threads than processors: waiting threads should not spin.
run-tests: $(NEEDED_BY) $(filter $(B)/%,$(ASKED))
	@PATH="$(CURDIR)/$(B):$$PATH" SRC="$(CURDIR)" BUILD="$(CURDIR)/$(B)" TORCH="$(TORCH)" \
	SANITIZE="$(SANITIZE)" LIBTORCH="$(LIBTORCH)" PKG_INC="$(PKG_INC)" SLOW="$(SLOW)" CC="$(CC)" CXX="$(CXX)" \
	OMP_WAIT_POLICY=passive $(AS_ON) $(PROVE) $(ASKED)
# Runs each target on RUNS inputs, if set, else for SECONDS.
FUZZ_SANITIZE ?= fuzzer,address,undefined
RUNS      ?=
SECONDS   ?= 60
fuzz:                                  ## libFuzzer over every reader; RUNS= or SECONDS= each, TARGETS='ts image'
	@TORCH='$(if $(LIBTORCH),own,$(TORCH))' CC=clang SANITIZE=$(FUZZ_SANITIZE) sh t/helper/deps.sh
	@+$(MAKE) --no-print-directory all $(filter %/image-gen %/golden-net %/ts-gen,$(HELPERS))
	@+$(MAKE) --no-print-directory CC=clang TORCH=no SANITIZE=$(FUZZ_SANITIZE) SEEDS='$(CURDIR)/$(B)' run-fuzz
run-fuzz: $(FUZZ)
	@SRC='$(CURDIR)' BUILD='$(SEEDS)' FUZZ='$(CURDIR)/$(B)' RUNS='$(RUNS)' LIMIT='$(SECONDS)' TARGETS='$(TARGETS)' \
	sh t/fuzz/run.sh
golden: $(B)/t/helper/parts-gen      ## recompute the reference numbers, with Debian's Python
	@cd t/golden && ls *.py | xargs -P "$$(nproc)" -I{} sh -c 'echo "  GOLDEN {}"; /usr/bin/python3 {} || { echo "{} failed" >&2; exit 1; }'
bench: deps                            ## speed and memory, into t/perf/RESULTS.md
	@+$(MAKE) --no-print-directory run-bench
run-bench: all $(HELPERS)
	@PATH="$(CURDIR)/$(B):$$PATH" SRC="$(CURDIR)" BUILD="$(CURDIR)/$(B)" TORCH="$(TORCH)" sh t/perf/bench.sh

# ---- format of the sources -------------------------------------------------------------------
CLANG_FORMAT ?= clang-format
SOURCES   = $(wildcard $(foreach f,c h cpp hpp inc,lib/*/*.$f lib/*/*/*.$f tools/*.$f t/*.$f t/*/*.$f))
format:                                ## all C and C++ as .clang-format says
	@$(CLANG_FORMAT) -i $(SOURCES)
format-check:                          ## fails and names the places if `make format` would change one
	@$(CLANG_FORMAT) --dry-run -Werror $(SOURCES)

# ---- experiments -----------------------------------------------------------------------------
demo: deps                             ## the method on synthetic data, to a table and pictures, in runs/demo
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/demo.mk
openood: deps                          ## OpenOOD's benchmark from its own lists; BENCH=cifar10 DATA=dir, see pipelines/openood.mk
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/openood.mk
cifar10: deps                          ## plain, +CE and +UM on CIFAR-10; DATA=dir holds it
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/cifar10.mk

um-vs-umap: deps                      ## UM, UMAP, their controls and magnitude pruning, over three seeds
trajectory: deps                      ## OOD quality of every epoch of a training, and of UM after it
atypical: deps                        ## which training images the masks disturb most
oe: deps                              ## five ways of training with outliers, with and without UM
# published has further targets, which are passed on here: published-axes, published-outliers, published-base,
# published-table.
published: deps                       ## the published experiment from a given network; DATA=dir, see pipelines/published.mk
published published-axes published-outliers published-base:
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/published.mk $@
noisy: deps                           ## networks that learnt wrong labels, and what makes them forget; DATA=dir
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/noisy.mk $@
published-table:                       ## the table of its finished runs, and which are missing
noisy-table:                           ## the same for make noisy
when:                                  ## what UM gained over its control in all runs, against what was learnt by heart
	@+$(MAKE) --no-print-directory -f pipelines/when.mk
published-table noisy-table:
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/$(@:-table=).mk $@
um-vs-umap trajectory atypical oe:
	@+$(MAKE) --no-print-directory all
	@+PATH="$(CURDIR)/$(B):$$PATH" $(MAKE) --no-print-directory -f pipelines/$@.mk
help:                                  ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 18

# ---- installing and packaging ------------------------------------------------------------------
# $(call SHARE,DIR): installs what is not a program: manual pages, pipelines, configs.
define SHARE
install -d $1/share/man/man1 $1/share/man/man5 $1/share/man/man7 $1/share/unmask/pipelines/plots $1/share/unmask/pipelines/examples $1/share/unmask/configs
install -p -m 644 $(TOOLS_C:.c=.1) $1/share/man/man1
install -p -m 644 lib/ts/ts.5 $1/share/man/man5
install -p -m 644 $(wildcard tools/*.7) $1/share/man/man7
install -p -m 644 $(filter-out %/plots %/examples,$(wildcard pipelines/*)) $1/share/unmask/pipelines
install -p -m 644 $(wildcard pipelines/plots/*) $1/share/unmask/pipelines/plots
install -p $(wildcard pipelines/examples/*) $1/share/unmask/pipelines/examples
install -p -m 644 $(wildcard configs/*.yaml configs/*.txt) $1/share/unmask/configs
endef
install: all completions               ## into prefix=/usr/local, below DESTDIR=
	install -d $(DESTDIR)$(prefix)/bin
	install -p $(TOOLS) $(DESTDIR)$(prefix)/bin
	$(if $(SEAM),install -d $(DESTDIR)$(prefix)/lib/unmask && install -p -m 644 $(SEAM) $(DESTDIR)$(prefix)/lib/unmask)
	install -d $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(prefix)/include
	install -p -m 644 $(B)/$(SONAME) $(DESTDIR)$(libdir)
	ln -sf $(SONAME) $(DESTDIR)$(libdir)/libunmask.so
	install -p -m 644 lib/unmask/unmask.h $(DESTDIR)$(prefix)/include
	sed 's,@prefix@,$(prefix),; s,@libdir@,$(libdir),; s,@version@,$(VERSION),' lib/unmask/unmask.pc.in >$(DESTDIR)$(libdir)/pkgconfig/unmask.pc
	$(call SHARE,$(DESTDIR)$(prefix))
	install -d $(DESTDIR)$(prefix)/share/bash-completion/completions $(DESTDIR)$(prefix)/share/zsh/site-functions $(DESTDIR)$(prefix)/share/fish/vendor_completions.d
	install -p -m 644 $(B)/completions/bash/* $(DESTDIR)$(prefix)/share/bash-completion/completions
	install -p -m 644 $(B)/completions/zsh/* $(DESTDIR)$(prefix)/share/zsh/site-functions
	install -p -m 644 $(B)/completions/fish/* $(DESTDIR)$(prefix)/share/fish/vendor_completions.d
	@[ -n '$(DESTDIR)' ] || case ":$$PATH:" in *':$(prefix)/bin:'*) ;; *) \
		echo 'Programs and pages will be found after: export PATH=$(prefix)/bin:$$PATH' ;; esac
# Installs into a scratch folder first, to learn which files there are.
uninstall:                             ## removes what install put there
	@rm -rf $(B)/installed
	@+$(MAKE) --no-print-directory install DESTDIR=$(CURDIR)/$(B)/installed prefix= >/dev/null
	@cd $(B)/installed && find . ! -type d -exec sh -c 'for f; do rm -f "$$0/$$f"; done' '$(DESTDIR)$(prefix)' {} + && \
		find . -depth -type d -path '*/unmask*' -exec sh -c 'for d; do rmdir "$$0/$$d" 2>/dev/null; done; :' '$(DESTDIR)$(prefix)' {} +
	@rm -rf $(B)/installed
completions: $(TOOLS)                  ## completions of the programs' options for bash, zsh and fish
	@rm -rf $(B)/completions && mkdir -p $(addprefix $(B)/completions/,bash zsh fish)
	@for t in $(TOOLS); do $$t --help || exit 1; done | awk -v dir=$(B)/completions -f t/helper/completions.awk
PAGES    := $(TOOLS_C:.c=.1) $(wildcard tools/*.7 lib/*/*.5)
html:                                  ## the manual pages as a site, in build/html
	@sh t/helper/html.sh build/html $(PAGES) && echo build/html/index.html
DIST     := build/unmask-$(VERSION).tar.xz
# From a repository, what is committed; from an archive of one, everything in it.
dist:                                  ## the sources, in build/
	@mkdir -p build
	@if git rev-parse -q --verify HEAD >/dev/null 2>&1 && git ls-files --error-unmatch Makefile >/dev/null 2>&1; then \
		git archive --prefix=unmask-$(VERSION)/ HEAD; \
	else tar -cf - --exclude=./build --exclude=./runs --transform='s,^[.],unmask-$(VERSION),' .; fi | xz -T0 >$(DIST).tmp
	@mv $(DIST).tmp $(DIST)
	@echo $(DIST)
deb:                                   ## Debian packages, in build/deb; TORCH=no: without unmask-torch
	@sh t/helper/deb.sh --check
	@+$(MAKE) --no-print-directory dist
	@TORCH='$(TORCH)' sh t/helper/deb.sh $(DIST) $(VERSION) build/deb

# A folder that runs from wherever it is unpacked: the programs, which look for their libraries in it, and the
# libraries. With TORCH=yes it includes the seam and libtorch; without, share/unmask/seam builds the seam for the
# libtorch installed there.
BUNDLE   := build/bundle/unmask-$(VERSION)-linux-$(shell uname -m)
BUNDLED  := $(TOOLS_C:tools/%.c=$(BUNDLE)/bin/%)
# t/gpu/files lists what t/gpu/examine takes along: FOLDER FILE, test programs as build/FILE.
EXAMINE  := $(if $(WITH_TORCH),$(shell sed -n 's/^\([a-z][^	]*\)	\(.*\)/\1:\2/p' t/gpu/files))
BUNDLED_TESTS := $(addprefix $(BUNDLE)/libexec/,$(notdir $(filter libexec:%,$(EXAMINE))))
BUNDLED_SEAM := $(if $(filter command,$(origin TORCH)),$(SEAM:%=$(BUNDLE)/lib/unmask/libunmask-th.so))
bundle:                                ## one folder that runs on any Linux, packed; TORCH=yes with libtorch
	@BUNDLE=yes TORCH='$(if $(LIBTORCH),own,$(TORCH))' CC='$(CC)' sh t/helper/deps.sh
	@+$(MAKE) --no-print-directory bundle-pack
bundle-pack: bundle-folder
	@tar -C $(dir $(BUNDLE)) --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$${SOURCE_DATE_EPOCH:-`git log -1 \
		--format=%ct 2>/dev/null || date +%s`} -cf - $(notdir $(BUNDLE)) | zstd -q -f -$(if $(BUNDLED_SEAM),9,19) -T0 -o $(BUNDLE).tar.zst
	@du -h --apparent-size $(BUNDLE).tar.zst
bundle-folder:
	@rm -rf $(BUNDLE)
	@+$(MAKE) --no-print-directory $(BUNDLED) $(BUNDLED_TESTS) $(BUNDLED_SEAM)
	@for f in $(filter-out libexec:%,$(EXAMINE)); do \
		install -d $(BUNDLE)/$${f%%:*} && install -p $${f#*:} $(BUNDLE)/$${f%%:*} || exit 1; done
	@$(call SHARE,$(BUNDLE))
	@install -d $(BUNDLE)/share/unmask/seam/th $(BUNDLE)/share/doc/unmask
	@install -p -m 644 lib/th/th_seam.mk $(BUNDLE)/share/unmask/seam
	@install -p -m 644 lib/th/th_bundle.mk $(BUNDLE)/share/unmask/seam/Makefile
	@install -p -m 644 lib/th/th.h $(wildcard lib/th/*.[ch]pp) $(BUNDLE)/share/unmask/seam/th
	@install -p -m 644 README.md $(BUNDLE)/README
	@install -p -m 644 LICENSE $(BUNDLE)/share/doc/unmask
	@sh t/helper/bundle.sh $(BUNDLE) $(call LIBRARY,libmatio.so) $(call LIBRARY,libsnappy.so.1) $(call LIBRARY,libopenblas.so.0) $(call LIBRARY,libarchive.a)
# libarchive is linked statically (lib/arc/arc_linked.c), only the parts used: the shared one brings ICU's 30 MB with it.
# So would its xar writer, which nobody calls but which is in a table after zip's. The old kind of run path applies to
# libraries of libraries, too.
LIBRARY   = $(shell $(CC) -print-file-name=$1)
NEEDED    = $(shell readelf -d $(call LIBRARY,$1) 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
$(BUNDLED) $(BUNDLED_TESTS): LINK_LIBS = $(subst -larchive,-l:libarchive.a $(addprefix -l:,$(call NEEDED,libarchive.so)),$(LDLIBS))
$(BUNDLED) $(BUNDLED_TESTS): LDFLAGS += -s -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/../lib' -Wl,--defsym=archive_write_set_format_xar=0
BUNDLED_LIB := $(B)/libunmask-linked.a
$(BUNDLED_LIB): $(filter-out %/arc.o,$(LIB_O))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(BUNDLED): $(BUNDLE)/bin/%: $(B)/tools/%.o $(BUNDLED_LIB)
	$(LINK)
$(filter %.t,$(BUNDLED_TESTS)): $(BUNDLE)/libexec/%.t: $(B)/t/unit/%.o $(BUNDLED_LIB)
	$(LINK)
$(filter-out %.t,$(BUNDLED_TESTS)): $(BUNDLE)/libexec/%: $(B)/t/helper/%.o $(BUNDLED_LIB)
	$(LINK)
$(BUNDLED_SEAM): LDFLAGS += -s -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/..'
$(BUNDLED_SEAM): $(SEAM_O)
	@mkdir -p $(@D)
	$(SEAM_LINK)
clean:                                 ## removes build/
	rm -rf build
FORCE:
.PHONY: all deps deps-all check check-fast check-all run-tests fuzz run-fuzz golden format format-check bench run-bench demo openood cifar10 um-vs-umap trajectory atypical oe published published-axes published-outliers published-base published-table noisy noisy-table when install uninstall completions html dist deb bundle bundle-pack bundle-folder clean help FORCE
-include $(shell find $(B) -name '*.d' 2>/dev/null)
