# A folder RUN holds one experiment. make looks at times alone, so the same RUN with another network or other settings would
# print the table of the first: pipelines include this last, with SAME, the names of the variables that the files in RUN
# follow from. $(RUN)/settings has their values, from when the folder was made; a folder without it is not checked.
empty    :=
# Without the names of folders, which differ by where make was called; but another network is another file.
value_of  = $(strip $(subst $(PIPELINES),,$(subst $(RUN)/,,$(if $(filter MODEL,$1),$(or $(realpath $($1)),$($1)),$($1)))))
SETTINGS := $(foreach v,$(SAME),$v=$(subst $(empty) $(empty),|,$(call value_of,$v)))
WERE     := $(if $(wildcard $(RUN)/settings),$(file <$(RUN)/settings))
# Variables that the folder's settings lack, because they are newer, are no difference. Tables of what is there need none.
OTHERS   := $(strip $(foreach s,$(filter-out $(WERE),$(SETTINGS)),$(filter $(firstword $(subst =,= ,$s))%,$(WERE))))
ifneq ($(and $(OTHERS),$(filter-out %-table,$(or $(MAKECMDGOALS),all))),)
differs  := $(firstword $(subst =, ,$(firstword $(OTHERS))))
$(error RUN=$(RUN) holds an experiment with other settings: $(differs) was '$(subst |, ,$(patsubst $(differs)=%,%,$(firstword $(OTHERS))))' \
	and is '$(call value_of,$(differs))' now; give another RUN=folder, or remove that one)
endif
# An empty folder is as good as none.
ifeq ($(wildcard $(RUN)/*),)
.PHONY: $(RUN)
endif
$(RUN): export UNMASK_SETTINGS := $(SETTINGS)
$(RUN):
	mkdir -p $@
	printf '%s\n' "$$UNMASK_SETTINGS" >$@/settings
# Scores, or tables, depend on $(RUN)/methods, which changes only with SCORED_BY, METHODS if that is not set: they are made
# anew, and nothing is trained anew. In a folder without it nothing is known, and so nothing is older.
SCORED_BY ?= $(METHODS)
$(RUN)/methods: FORCE | $(RUN)
	@[ -e $@ ] || { echo '$(SCORED_BY)' >$@ && touch -d @0 $@; }; echo '$(SCORED_BY)' | cmp -s - $@ || echo '$(SCORED_BY)' >$@
FORCE:
.PHONY: FORCE
