# make when: over all runs in RUNS, what Unleashing Mask gained over its control, against how much the network had
# memorised: when.tsv, one row per run, seed, level and score, and, if gnuplot is installed, when.png for the score
# METHOD (FORMAT=svg, pdf). KNOWN: a table of the same columns to put below, such as pipelines/when.tsv, the experiments
# that RESULTS.md tells.
RUNS   ?= runs
KNOWN  ?=
METHOD ?= energy
FORMAT ?= png
HERE   := $(dir $(lastword $(MAKEFILE_LIST)))
.DELETE_ON_ERROR:
when: $(RUNS)/when.tsv $(if $(shell command -v gnuplot),$(RUNS)/when.$(FORMAT))
	@echo "$^"
	@$(if $(shell command -v gnuplot),:,echo "no gnuplot, so no picture" >&2)
# Always made, as runs come and go.
$(RUNS)/when.tsv: FORCE
	mkdir -p $(@D)
	sh $(HERE)when.sh $(RUNS) >$@.tmp
	$(if $(KNOWN),tail -n +2 $(KNOWN) >>$@.tmp)
	mv $@.tmp $@
$(RUNS)/when.$(FORMAT): $(RUNS)/when.tsv $(HERE)plots/when.gp
	gnuplot -e "table='$<'; picture='$@.tmp'; format='$(FORMAT)'; method='$(METHOD)'" -c $(HERE)plots/when.gp
	mv $@.tmp $@
FORCE:
.PHONY: when FORCE
