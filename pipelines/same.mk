# A folder RUN holds one experiment. make looks at times alone, so the same RUN with another network or other settings would
# print the table of the first: pipelines include this last, with SAME, the names of the variables that the files in RUN
# follow from. $(RUN)/settings has their values, from when the folder was made; a folder without it is not checked.
OUT      := $(RUN)
include $(PIPELINES)asked.mk
empty    :=
# Without the names of folders, which differ by where make was called. But another network is another file; and SOURCES name
# data: an archive is known by its name and size, wherever it lies, a folder by its path.
known_by  = $(if $(wildcard $1/.),$(realpath $1),$(notdir $1):$(or $(shell stat -Lc %s '$1' 2>/dev/null),missing))
value_of  = $(patsubst $(RUN)/%,%,$(patsubst $(PIPELINES)%,%,$(if $(filter MODEL,$1),$(or $(realpath $($1)),$($1)),$(if \
	$(filter $(SOURCES),$1),$(call known_by,$($1)),$($1)))))
SETTINGS := $(foreach v,$(SAME),$v=$(subst $(empty) $(empty),|,$(call value_of,$v)))
WERE     := $(if $(wildcard $(RUN)/settings),$(file <$(RUN)/settings))
MADE     := $(filter-out %-table,$(or $(MAKECMDGOALS),all))
# Variables that the folder's settings lack, because they are newer, are no difference. Tables of what is there need none.
OTHERS   := $(strip $(foreach s,$(filter-out $(WERE),$(SETTINGS)),$(filter $(firstword $(subst =,= ,$s))%,$(WERE))))
ifneq ($(and $(OTHERS),$(MADE)),)
differs  := $(firstword $(subst =, ,$(firstword $(OTHERS))))
$(error RUN=$(RUN) holds an experiment with other settings: $(differs) was '$(subst |, ,$(patsubst $(differs)=%,%,$(firstword $(OTHERS))))' \
	and is '$(call value_of,$(differs))' now; give another RUN=folder, or remove that one$(if $(filter $(SOURCES),$(differs)),$(empty) \
	(or only $(RUN)/settings, if these are the same data elsewhere)))
endif
# Those that it lacks are noted: a set that came later.
NEWER    := $(strip $(foreach s,$(SETTINGS),$(if $(filter $(firstword $(subst =,= ,$s))%,$(WERE)),,$s)))
$(if $(and $(WERE),$(NEWER),$(MADE)),$(if $(DRY),,$(file >>$(RUN)/settings,$(NEWER))))
# An empty folder is as good as none.
ifeq ($(wildcard $(RUN)/*),)
.PHONY: $(RUN)
endif
$(RUN): export UNMASK_SETTINGS := $(SETTINGS)
$(RUN):
	mkdir -p $@
	printf '%s\n' "$$UNMASK_SETTINGS" >$@/settings
# Scores depend on $(RUN)/methods.asked, which changes with METHODS; tables and pages on $(RUN)/tables.asked, which changes
# with what else is in them: they are made anew, and nothing is trained anew.
methods_TEXT := $(METHODS)
tables_TEXT  := $(METHODS) $(MODELS) of $(OOD) $(WORSE); $(foreach v,NEAR BOOTSTRAP BEST SHOW SHOWN REPORTED,$v=$($v))
$(if $(and $(MADE),$(wildcard $(RUN)/*)),$(foreach n,methods tables,$(call ASK,$n,$($n_TEXT))))
$(RUN)/methods.asked $(RUN)/tables.asked: $(RUN)/%.asked: | $(RUN)
	$(if $(DRY),,$(call ASK,$*,$($*_TEXT)))
FORCE:
.PHONY: FORCE
