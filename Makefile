# slotd: build, run, test. `make help` lists what there is to ask for.
#
# How it works. Every folder of C below is an archive (src/slot/*.c -> build/<variant>/libslot.a) or a program. Nobody
# lists files or dependencies here: what a program is linked with follows from its #include lines. `#include <log/wal.h>`
# asks for liblog.a, and log's own lines ask for what is below it; tools/house/layers.sh sees to it that they only point
# down. So a new file needs no edit, and `make build/release/unit/slot/table` builds what that test needs and no more.
#
# Variants never mix, each has its own tree under build/:
#   release  gcc, optimised and hardened: what is installed
#   clang    the same with clang, which also checks the lock annotations (-Wthread-safety)
#   asan     address and undefined-behaviour sanitizers
#   tsan     thread sanitizer (no Criterion: it does not start under it, so plain programs only)
#   fuzz     clang's libFuzzer with address and undefined-behaviour sanitizers
#
# V=1 shows the commands.

PORT     ?= 5545
DIR      ?= slotd-data
PREFIX   ?= /usr/local
SECONDS  ?= 60
CYCLES   ?= 1000
RESTARTS ?= 200
CUTS     ?= 200
IMAGES   ?= 250
FAULTS   ?= 5
RUNS     ?= 1000
OPS      ?= 10000000
SEED     ?=
REPETITIONS ?= 5

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
Q := $(if $(V),,@)

# ---------------------------------------------------------------------------------------------------- variants and flags

variants := release clang asan tsan fuzz

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wno-format-zero-length -Werror
common   := -std=c17 -D_GNU_SOURCE -Iinclude -Itests -Itools -g -fno-omit-frame-pointer $(warnings)
hardened := -O3 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE

compiler_release := gcc
compiler_clang   := clang
compiler_asan    := gcc
compiler_tsan    := gcc
compiler_fuzz    := clang

# The server is compiled once more when it is linked, as one piece; tests are linked from the objects as they are.
flags_release := $(hardened) -flto -ffat-lto-objects
flags_clang   := $(hardened) -Wthread-safety
flags_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
# It does not model fences and says so; ours only order a store before a load, which hides no race from it.
flags_tsan    := -O1 -fsanitize=thread -Wno-tsan
flags_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# What must be installed (tools/house/packages.sh).
packages_release := build
packages_clang   := check
packages_asan    := build
packages_tsan    := build
packages_fuzz    := check

link_release := -fno-lto -pie -Wl,-z,relro,-z,now
link_release_slotd := $(hardened) -flto=auto
link_clang   := $(link_release)
link_asan    := -fsanitize=address,undefined
link_tsan    := -fsanitize=thread
link_fuzz    := -fsanitize=address,undefined

# Simulators count the decisions of recovery (tests/sim/sim_verdict.h).
link_sim := -Wl,--wrap=verdict_of_tail,--wrap=verdict_of_header

libraries := -luring -lxxhash -lpthread
libraries_of_calsync := -lical -lcurl -lexpat -lhiredis

export UBSAN_OPTIONS := print_stacktrace=1

# ---------------------------------------------------------------------------------------------- archives, in link order

layers   := http serve wire log slot io base
archives := history drive model sim bench calsync $(layers)

$(foreach layer,$(layers),$(eval sources_of_$(layer) := $(wildcard src/$(layer)/*.c)))
sources_of_history := $(filter-out %/main.c,$(wildcard tests/history/*.c))
sources_of_drive := $(wildcard tests/drive/*.c)
sources_of_model := $(wildcard tests/model/*.c)
sources_of_sim   := $(wildcard tests/sim/sim_*.c)
sources_of_bench := $(filter-out %/main.c,$(wildcard tools/bench/*.c))
sources_of_calsync := $(filter-out %/main.c,$(wildcard tools/calsync/*.c))

# Every "file:archive" that an #include line says, found once; and the archives that some files name.
empty :=
either := $(subst $(empty) ,|,$(archives))
named := $(sort $(shell grep -roHE '^\#include [<"]([^">]*/)?($(either))/[a-z_]+\.h' include src tests tools --include='*.[ch]' | \
	sed -E 's,:\#include [<"](.*/)?([a-z]+)/[a-z_]+\.h$$,:\2,'))
named_by = $(sort $(foreach file,$1,$(patsubst $(file):%,%,$(filter $(file):%,$(named)))))

# The archives behind some archives: theirs, and those of what they name, until nothing new comes.
behind = $(if $(filter-out $1,$(foreach a,$1,$(names_$a))),$(call behind,$(sort $1 $(foreach a,$1,$(names_$a)))),$1)

$(foreach layer,$(layers),$(eval names_$(layer) := \
	$(call named_by,$(sources_of_$(layer)) $(wildcard src/$(layer)/*.h include/$(layer)/*.h))))
names_history := $(call named_by,$(wildcard tests/history/*.[ch]))
names_drive := $(call named_by,$(wildcard tests/drive/*.[ch]))
names_model := $(call named_by,$(wildcard tests/model/*.[ch]))
names_sim   := $(call named_by,$(wildcard tests/sim/sim_*.[ch]))
names_bench := $(call named_by,$(sources_of_bench) $(wildcard tools/bench/*.h))
names_calsync := $(call named_by,$(sources_of_calsync) $(wildcard tools/calsync/*.h))

# ------------------------------------------------------------------------------------------------------------- programs

# Of one folder each.
sources_of_slotd         := $(wildcard src/main/*.c)
sources_of_slotd-replay  := $(wildcard tools/replay/*.c)
sources_of_slotd-bench   := $(wildcard tools/bench/main.c)
sources_of_slotd-calsync := $(wildcard tools/calsync/main.c)
sources_of_slotd-bench-postgres := $(wildcard tools/postgres/*.c)
sources_of_talk/talk     := $(wildcard tests/talk/*.c)
sources_of_crash/crash   := $(wildcard tests/crash/*.c)
sources_of_history/history := $(wildcard tests/history/main.c)
sources_of_streams/streams := $(wildcard tests/streams/*.c)
sources_of_block/recorder := $(wildcard tests/block/*.c)
sources_of_calendar/expand := $(wildcard tests/calendar/*.c)
shipped  := $(foreach p,slotd slotd-replay slotd-bench slotd-calsync,$(if $(sources_of_$p),$p))
programs := $(shipped) $(foreach p,talk/talk crash/crash history/history streams/streams calendar/expand slotd-bench-postgres,$(if $(sources_of_$p),$p))

# Of one file each: tests/unit/slot/table.c -> unit/slot/table.
units    := $(patsubst tests/%.c,%,$(wildcard tests/unit/*/*.c))
stresses := $(patsubst tests/%.c,%,$(wildcard tests/stress/*.c))
sims     := $(patsubst tests/%.c,%,$(wildcard tests/sim/*_sim.c))
fuzzers  := $(patsubst tests/%.c,%,$(wildcard tests/fuzz/*_fuzz.c))
$(foreach p,$(units) $(stresses) $(sims) $(fuzzers),$(eval sources_of_$p := tests/$p.c))

all_programs := $(programs) block/recorder $(units) $(stresses) $(sims) $(fuzzers)
$(foreach p,$(all_programs),$(eval names_$p := $(call behind,\
	$(call named_by,$(sources_of_$p) $(wildcard $(dir $(firstword $(sources_of_$p)))*.h)) \
	$(if $(filter sim/%,$p),sim) $(if $(filter slotd-bench%,$p),bench) $(if $(filter slotd-calsync,$p),calsync))))

# ---------------------------------------------------------------------------------------------------------------- rules

objects_of = $(patsubst %.c,build/$1/%.o,$2)
archives_of = $(foreach a,$(filter $(names_$2),$(archives)),build/$1/lib$a.a)

define variant_rules # variant
build/$1/%.o: %.c Makefile | build/packages-$(packages_$1)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  cc $1  $$<")
	$$Q$(compiler_$1) $(common) $(flags_$1) -MMD -MP -c -o $$@ $$<
endef

define archive_rules # variant, archive
build/$1/lib$2.a: $(call objects_of,$1,$(sources_of_$2)) | build/packages-$(packages_$1)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$Qar rcs $$@ $$(filter %.o,$$^)
endef

define program_rules # variant, program
build/$1/$2: $(call objects_of,$1,$(sources_of_$2)) $(call archives_of,$1,$2)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  link $$@")
	$$Q$(compiler_$1) $(link_$1) $(link_$1_$2) $(if $(filter fuzz/%,$2),-fsanitize=fuzzer) -o $$@ \
		$$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$(if $(filter unit/%,$2),-lcriterion) $(if $(filter sim/%,$2),$(link_sim)) $(if $(filter block/%,$2),-lfuse3) \
		$(if $(filter %-postgres,$2),-lpq) $(if $(filter http,$(names_$2)),-lmicrohttpd) \
		$(if $(filter calsync,$(names_$2)),$(libraries_of_calsync)) $(libraries)
endef

$(foreach v,$(variants),$(eval $(call variant_rules,$v)))
$(foreach v,$(variants),$(foreach a,$(archives),$(eval $(call archive_rules,$v,$a))))
$(foreach v,$(variants),$(foreach p,$(all_programs),$(eval $(call program_rules,$v,$p))))

# Unit tests need Criterion before they compile, and the recorder needs libfuse.
$(foreach v,$(variants),$(call objects_of,$v,$(addprefix tests/,$(addsuffix .c,$(units))))): | build/packages-test
$(foreach v,$(variants),$(call objects_of,$v,$(sources_of_block/recorder))): | build/packages-crash

# And so does PostgreSQL's client.
$(foreach v,$(variants),$(call objects_of,$v,$(sources_of_slotd-bench-postgres))): | build/packages-bench

-include $(shell find build -name '*.d' 2>/dev/null)

# The programs by the names people use.
$(addprefix build/,$(shipped)): build/%: build/release/%
	@ln -sf release/$* $@

# Stamps: what must be installed is, as of this list. Says what it installs and why.
build/packages-%: tools/house/packages.sh
	@mkdir -p build
	$Qtools/house/packages.sh $*
	@touch $@

# -------------------------------------------------------------------------------------------------------------- targets

.PHONY: all run test bench check fuzz sim sim-canary crash install clean format help build-%

all: $(addprefix build/,$(shipped)) ## build build/slotd and its tools (the default)

run: build/packages-run build/slotd ## start the server on 127.0.0.1:5545 with demo hours (PORT=, DIR=, ARGS=)
	$Qtools/house/run.sh "$(PORT)" "$(DIR)" $(ARGS)

SUITES := tools/house/suites.sh
seed   := $(if $(SEED),--seed $(SEED))

# How many crashes `make test` simulates: together about a minute on two cores (docs/INVARIANTS.md). Where others use the
# cores, too, it ends after 200 seconds, and says how many there were.
crashes_of_sim/log_sim  := 10000000
crashes_of_sim/desk_sim := 50000

# One suite: name=command. The names are the programs', so that each is the target that builds it.
unit_suites   = $(foreach p,$(units),'$p=build/$1/$p')
stress_suites = $(foreach p,$(stresses),'$p=build/$1/$p $2')
sim_suites    = $(foreach p,$(sims),'$p=build/$1/$p $2')
sim_tests     = $(foreach p,$(sims),'$p=build/$1/$p --crashes $(or $(crashes_of_$p),10000) --seconds 200 $(seed)')
talk_suite    = 'talk=build/$1/talk/talk --bin build/$1 $(wildcard tests/talk/*.talk) --markdown README.md $(addprefix --markdown ,$(wildcard docs/*.md))'
crash_suite   = 'crash$(if $3,/$(patsubst --%,%,$(lastword $3)))=build/$1/crash/crash --bin build/$1 --cycles $2 $3 $(seed)'
history_suite = 'history=build/$1/history/history --bin build/$1 --runs $2 $(seed)'
streams_suite = 'streams=build/$1/streams/streams --bin build/$1 --ops $2 $(seed)'
cut_suites    = $(foreach kind,ext4 xfs,'crash/power_cut-$(kind)=tests/crash/power_cut.sh build/$1 $(kind) 2 $(SEED)')
calendar_suites = 'calendar/oracle=tests/calendar/oracle.py build/$1/calendar/expand' 'calendar/sync=tests/calendar/sync.py --bin build/$1 --calendars $2'
built         = $(addprefix build/$1/,$(shipped) $2)

test: build/packages-test all $(call built,release,$(units) $(sims) $(stresses) talk/talk crash/crash history/history streams/streams calendar/expand) ## build and run every test
	$Q$(SUITES) build/release $(call unit_suites,release) $(call stress_suites,release,2) \
		$(call sim_tests,release) $(call talk_suite,release) $(call calendar_suites,release,500) \
		$(call crash_suite,release,10) $(call crash_suite,release,10,--deny EPERM) \
		$(call crash_suite,release,5,--deny ENOSYS) $(call crash_suite,release,10,--unprivileged) \
		$(call cut_suites,release) $(call history_suite,release,50) \
		$(call streams_suite,release,300000)

bench: build/packages-bench all build/release/slotd-bench-postgres ## slotd against Redis, PostgreSQL and the disk (REPETITIONS=5, SECONDS=2)
	$Qtools/bench/bench.sh build/release $(REPETITIONS) $(if $(filter file,$(origin SECONDS)),2,$(SECONDS))

check: build/packages-check check-house check-clang check-asan check-tsan ## both compilers, sanitizers, layers, style

.PHONY: check-house check-clang check-asan check-tsan
check-house: build/packages-check
	$Q$(SUITES) build/house 'layers=tools/house/layers.sh' 'format=tools/house/format.sh' 'tidy=tools/house/tidy.sh'

check-clang: build/packages-check $(call built,clang,$(units) $(sims) $(stresses) talk/talk crash/crash history/history streams/streams calendar/expand)
	@echo "clang, -Wthread-safety -Werror: everything builds"

check-asan: $(call built,asan,$(units) $(sims) talk/talk calendar/expand)
	$Q$(SUITES) build/asan $(call unit_suites,asan) $(call sim_suites,asan,--seconds 5 $(seed)) $(call talk_suite,asan) \
		$(call calendar_suites,asan,50)

check-tsan: $(call built,tsan,$(stresses) talk/talk streams/streams)
	$Q$(SUITES) build/tsan $(call stress_suites,tsan,5) $(call talk_suite,tsan) $(call streams_suite,tsan,40000)

fuzz: build/packages-check $(addprefix build/fuzz/,$(fuzzers)) ## run each fuzzer for SECONDS= (60)
	$Qset -e; for fuzzer in $(fuzzers); do echo "$$fuzzer: $(SECONDS) s"; mkdir -p build/fuzz/corpus/$$fuzzer; \
		build/fuzz/$$fuzzer -max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/ \
			build/fuzz/corpus/$$fuzzer $$(ls -d tests/corpus/$$(basename $$fuzzer _fuzz) 2>/dev/null); done

sim: $(addprefix build/release/,$(sims)) ## run the simulators for SECONDS= (60), SEED= repeats a run
	$Qset -e; for sim in $(sims); do build/release/$$sim --seconds $(SECONDS) $(seed); done

sim-canary: $(addprefix build/release/,$(sims)) ## plant every bug the simulators know; each must be found (SEED=)
	$Qset -e; for sim in $(sims); do build/release/$$sim --canary all $(seed); done

crash: $(call built,release,crash/crash history/history streams/streams unit/serve/full_disk) ## kill -9 (CYCLES=, RESTARTS=), streams (OPS=), histories (RUNS=), power cuts (CUTS=, IMAGES=), bad disks (FAULTS=); SEED= repeats
	$Qif tools/house/packages.sh crash; then $(MAKE) --no-print-directory build/release/block/recorder; fi
	$QCYCLES=$(CYCLES) RESTARTS=$(RESTARTS) CUTS=$(CUTS) IMAGES=$(IMAGES) FAULTS=$(FAULTS) OPS=$(OPS) RUNS=$(RUNS) SEED=$(SEED) \
		tests/crash/all.sh build/release

install: all ## install the programs (PREFIX=/usr/local, DESTDIR=)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix build/,$(shipped)) $(DESTDIR)$(PREFIX)/bin
	install -m 755 tools/backup.sh $(DESTDIR)$(PREFIX)/bin/slotd-backup

format: build/packages-check ## lay out every C file as .clang-format says
	$Qtools/house/format.sh --write

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
