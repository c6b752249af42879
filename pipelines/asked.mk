# $(call ASK,NAME,TEXT): $(OUT)/NAME.asked holds the text and changes only with it: what depends on it is made again when the
# text changes. make looks at times alone, and another model may be an older file. OUT must exist. A new file is older than
# all results: what an earlier version made stays. `make -n` writes none, and shows what would be made.
SAME_TEXT = $(and $(findstring |$1|,|$2|),$(findstring |$2|,|$1|))
DRY      := $(findstring n,$(firstword -$(MAKEFLAGS)))
ASK       = $(if $(wildcard $(OUT)/$1.asked),$(if $(call SAME_TEXT,$(file <$(OUT)/$1.asked),$1: $2),,$(call ASK_NEW,$1,$2)),$(call ASK_FIRST,$1,$2))
ASK_NEW   = $(if $(DRY),$(eval .PHONY: $(OUT)/$1.asked),$(file >$(OUT)/$1.asked,$1: $2))
ASK_FIRST = $(if $(DRY),$(eval .INTERMEDIATE: $(OUT)/$1.asked),$(file >$(OUT)/$1.asked,$1: $2)$(shell touch -d @0 $(OUT)/$1.asked))
$(OUT)/%.asked: ;
ifneq ($(word 2,$(OUT)),)
$(error '$(OUT)': rules of make cannot have a blank in a name)
endif
