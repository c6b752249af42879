# $(call ASK,NAME,TEXT): $(OUT)/NAME.asked holds the text and changes only with it: what depends on it is made again when the
# text changes. make looks at times alone, and another model may be an older file. OUT must exist.
SAME_TEXT = $(and $(findstring |$1|,|$2|),$(findstring |$2|,|$1|))
ASK       = $(if $(call SAME_TEXT,$(file <$(OUT)/$1.asked),$1: $2),,$(file >$(OUT)/$1.asked,$1: $2))
ifneq ($(word 2,$(OUT)),)
$(error '$(OUT)': rules of make cannot have a blank in a name)
endif
