# Builds the seam to libtorch where a bundle of unmask lies, and puts it where its programs look for it:
#
#   make -C share/unmask/seam LIBTORCH=DIR [CUDA_HOME=DIR] [CXX=g++] [V=1]
#
# DIR is a libtorch of any version from 1.13 on: an unpacked zip, or the folder torch/ of a pip package. It takes a C++
# compiler, binutils and half a minute. `clean` removes what was built.
.SUFFIXES:
.DELETE_ON_ERROR:
CXX      := $(if $(filter default undefined,$(origin CXX)),g++,$(CXX))
CXXFLAGS ?= -O2
Q        := $(if $(filter 1,$(V)),,@)
SEAM_SRC := .
SEAM_B   := build
SEAM     := ../../../lib/unmask/libunmask-th.so

all: $(SEAM)
include th_seam.mk
# What it is built for; another libtorch needs another seam.
build/for: FORCE
	@mkdir -p $(@D)
	@echo '$(TH_DIR) $(TH_DEFS) $(CXX) $(CXXFLAGS)' | cmp -s - $@ || echo '$(TH_DIR) $(TH_DEFS) $(CXX) $(CXXFLAGS)' >$@
$(SEAM_O): build/for
$(SEAM): $(SEAM_O)
	@mkdir -p $(@D)
	$(SEAM_LINK)
clean:
	rm -rf build $(SEAM)
FORCE:
.PHONY: all clean FORCE
