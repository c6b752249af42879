# How libunmask-th.so, the seam to libtorch, is compiled and linked: for the Makefile of unmask, and for that of a
# bundle (th_bundle.mk), where nothing else of unmask is built. The includer sets:
#
#   LIBTORCH    the folder of a libtorch: a zip's, or torch/ of a pip package; empty: Debian's libtorch-dev
#   CUDA_HOME   whose include/ has the headers of CUDA's runtime, if a CUDA libtorch does not have them beside itself
#   CXX CXXFLAGS LDFLAGS Q
#   SEAM_SRC    the folder that holds th/; SEAM_B, where th/*.o go; SEAM_CPP, further preprocessor flags
#
# Gives SEAM_O, the rules of these, and SEAM_LINK, the recipe that links the shared object from them.
# nm finds the ABI of C++ strings that the libtorch was built with, grep the C++ standard that its headers ask for.
ifneq ($(LIBTORCH),)
TH_DIR   := $(abspath $(LIBTORCH))
TH_INC   := -isystem $(TH_DIR)/include -isystem $(TH_DIR)/include/torch/csrc/api/include
TH_LIB   := $(TH_DIR)/lib
TH_CUDA  := $(wildcard $(TH_LIB)/libtorch_cuda.so)
# Graphs need the headers of CUDA's runtime, no CUDA compiler. A pip package of libtorch has them beside itself, in part:
# those for CUDA 13 come without crt/. CUDA_HOME is often set where nothing is, so it is only the first place to look.
CUDA_INC := $(if $(TH_CUDA),$(patsubst %/crt/host_config.h,%,$(firstword $(wildcard $(addsuffix /crt/host_config.h, \
            $(CUDA_HOME:%=%/include) $(TH_DIR)/../nvidia/*/include /usr/local/cuda/include /usr/include)))))
TH_LINK  := -L$(TH_LIB) -Xlinker -rpath -Xlinker $(TH_LIB) -ltorch_cpu -lc10 \
            $(if $(TH_CUDA),-Xlinker --no-as-needed -ltorch_cuda -lc10_cuda)
TH_ABI   := -D_GLIBCXX_USE_CXX11_ABI=$(shell nm -DC $(TH_LIB)/libc10.so 2>/dev/null | \
            grep -q 'c10::Error::Error.c10::SourceLocation, std::__cxx11' && echo 1 || echo 0)
TH_H     := $(wildcard $(TH_DIR)/include/ATen/ATen.h)
else
TH_INC   := -isystem /usr/include/torch/csrc/api/include
TH_LINK  := -ltorch_cpu -lc10
TH_H     := $(wildcard /usr/include/ATen/ATen.h)
endif
# Sums over ranks need the headers of NCCL (a pip package of libtorch has them beside itself) or, on CPUs and only for
# tests, those of Gloo, which belong to a distribution's libtorch.
NCCL_INC := $(if $(CUDA_INC),$(patsubst %/nccl.h,%,$(firstword $(wildcard $(TH_DIR)/../nvidia/nccl/include/nccl.h \
            $(CUDA_INC)/nccl.h /usr/include/nccl.h))))
TH_GLOO  := $(if $(LIBTORCH),,$(wildcard /usr/include/gloo/context.h))
# The seam is C++17; headers of newer libtorches ask for C++20 themselves.
TH_STD   := $(if $(shell grep -l 'C++20' $(TH_H) /dev/null 2>/dev/null),c++20,c++17)
TH_DEFS  := -DTH_CUDA=$(if $(TH_CUDA),1,0) -DTH_GRAPHS=$(if $(CUDA_INC),1 $(addprefix -isystem ,$(filter-out /usr/include,$(CUDA_INC))),0) \
            -DTH_NCCL=$(if $(NCCL_INC),1 $(addprefix -isystem ,$(filter-out /usr/include,$(NCCL_INC))),0) -DTH_GLOO=$(if $(TH_GLOO),1,0)
ifeq ($(TH_H),)
TH_LACKS := $(if $(LIBTORCH),$(TH_DIR) holds no libtorch: it has no include/ATen/ATen.h,no libtorch in /usr/include: \
            LIBTORCH=DIR names one; a pip package is .../site-packages/torch)
endif
ifneq ($(TH_CUDA),)
TH_ALONE := $(if $(NCCL_INC),,without NCCL: several GPUs add up their gradients on the host; its header, nccl.h, is in pip \
            package nvidia-nccl-cu13 (or -cu12))
TH_NOTE  := $(if $(CUDA_INC),,without CUDA graphs, as the headers of the CUDA runtime are not here whole (crt/host_config.h): \
            CUDA_HOME=DIR says where; pip package nvidia-cuda-crt. A GPU works without them, small batches more slowly)
endif

SEAM_O   := $(patsubst $(SEAM_SRC)/%.cpp,$(SEAM_B)/%.o,$(wildcard $(SEAM_SRC)/th/*.cpp))
$(SEAM_O): $(SEAM_B)/%.o: $(SEAM_SRC)/%.cpp
	@$(if $(TH_LACKS),echo "$(strip $(TH_LACKS))" >&2; exit 1)
	@$(if $(and $(TH_NOTE),$(filter %_cuda.o,$@)),echo "  $(strip $(TH_NOTE))" >&2)
	@$(if $(and $(TH_ALONE),$(filter %_ranks.o,$@)),echo "  $(strip $(TH_ALONE))" >&2)
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CXX $<")
	$(Q)$(CXX) -I$(SEAM_SRC) $(SEAM_CPP) $(TH_INC) $(TH_DEFS) $(TH_ABI) -std=$(TH_STD) -Wall -Wextra -fPIC \
		-fvisibility=hidden $(CXXFLAGS) -c -o $@ $<
SEAM_LINK = @$(if $(Q),echo "  LINK $@";) $(CXX) -shared $(LDFLAGS) -o $@ $(SEAM_O) $(TH_LINK)
