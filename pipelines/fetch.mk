# Downloads data sets from their sites in the form that ds-pack reads.
#
#   make -f pipelines/fetch.mk DATA=dir cifar10 svhn dtd ...
#   make -f pipelines/fetch.mk                       what there is
#
#	DATA     the folder that they go to (default data)
#	MIRROR   http://host/path: replaces every site's host; paths stay the same
#	TRIES    how often a download that breaks off is taken up where it was (default 10)
#	CURL     the program with its options (default curl)
#
# A file is called NAME.part until it is complete, with the size and checksum that its site, or a collector of
# checksums, published. An interrupted download resumes; a wrong file is removed, and is an error.
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
HERE  := $(dir $(lastword $(MAKEFILE_LIST)))
DATA  ?= data
TRIES ?= 10
CURL  ?= curl
export TRIES CURL MIRROR

.PHONY: help
help:
	@sh $(HERE)fetch.sh --table <$(HERE)fetch.txt

# fetch.txt has one line per file: set, file, size, checksum, address ("-": not published).
ROWS := $(shell sed -n '/^ask /d; s/^\([a-z][^ ]*\)  *\([^ ]*\)  *\([^ ]*\)  *\([^ ]*\)  *\([^ ]*\)$$/\1|\2|\3|\4|\5/p' $(HERE)fetch.txt)
part  = $(word $1,$(subst |, ,$2))
define row
.PHONY: $(call part,1,$1)
$(call part,1,$1): $(DATA)/$(call part,2,$1)
$(DATA)/$(call part,2,$1):
	@sh $(HERE)fetch.sh '$$@' '$(call part,3,$1)' '$(call part,4,$1)' '$(call part,5,$1)'
endef
$(foreach r,$(ROWS),$(eval $(call row,$r)))

# Sets that need an account, a form, or a special program.
ASK := $(shell sed -n 's/^ask \([^ ]*\) .*/\1/p' $(HERE)fetch.txt)
.PHONY: $(ASK)
$(ASK):
	@sed -n 's/^ask $@  *//p' $(HERE)fetch.txt >&2; exit 1
