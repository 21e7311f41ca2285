# Gavel's build. One file, no recursion but for other builds of itself; `make help` lists the targets.

ifeq ($(origin CC),default)
  CC := gcc
endif
VERSION    := 0.1.0
SO_VERSION := 0
BUILD      ?= release
OUT        := build/$(BUILD)
JOBS       ?= $(shell nproc)

CLANG        ?= clang-14
CLANG_FORMAT ?= clang-format-14
CLANG_TIDY   ?= clang-tidy-14

prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
libdir     ?= $(prefix)/lib
includedir ?= $(prefix)/include
datadir    ?= $(prefix)/share

FUZZ_SECONDS ?= 60

# V=1 shows all that tests say, V=2 the commands too.
ifeq ($(V),2)
  say = @:
  Q :=
else
  say = @echo
  Q := @
endif
export V

WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align \
            -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wdouble-promotion \
            -Wswitch-enum -Wnull-dereference -Wredundant-decls
ifeq ($(findstring clang,$(CC)),)
  WARNINGS += -Wcast-align=strict -Wimplicit-fallthrough=5 -Wduplicated-cond \
              -Wduplicated-branches -Wlogical-op -Wjump-misses-init
else
  # glibc's isnan() and assert() on a string are faults to clang alone.
  WARNINGS += -Wno-double-promotion -Wno-string-conversion
endif

CFLAGS_debug    := -O0 -g3
CFLAGS_release  := -O3 -g
CFLAGS_san      := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all \
                   -fno-omit-frame-pointer
CFLAGS_tsan     := -O1 -g3 -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_coverage := -O0 -g --coverage -fprofile-update=atomic
CFLAGS_fuzz     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
                   -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(origin CFLAGS_$(BUILD)),undefined)
  $(error BUILD=$(BUILD): use release, debug, san, tsan or coverage)
endif

# No fused multiply-add behind our back: the same source must give the same bits in its scalar
# and its vector form. No fast-math, ever. Nobody reads errno behind sqrt: one instruction then.
# Nobody reads the flags of exceptions: both arms of a choice may be computed, which is what makes
# vector code of it; no value changes. Nobody replaces a function of the shared library either, so
# files may inline their own.
BASE_CFLAGS := -std=c17 -D_GNU_SOURCE -fPIC -pthread -ffp-contract=off \
               -fno-math-errno -fno-trapping-math -fno-semantic-interposition $(CFLAGS_$(BUILD)) $(CFLAGS)
ALL_CFLAGS  := $(WARNINGS) $(BASE_CFLAGS)
INCLUDES    := -Iinclude -I. -Itests -I$(OUT)
CPPFLAGS    += $(INCLUDES) -MMD -MP

# GSL takes its BLAS from OpenBLAS, which stands behind it so that --as-needed keeps it: gslcblas,
# which pkg-config would add and which libgsl itself falls back to, is thirty times slower.
LIBS        := -lgsl -lopenblas -lsqlite3 -lcsv -larchive -lxxhash -lyaml -ljansson -lm
ALL_LDFLAGS := -Wl,--as-needed $(LDFLAGS)

# Lowest first: a layer includes only headers of its own and of those before it.
LAYERS := sim/base sim/core sim/log sim/market sim/outcome sim/estimate models/nn models/predict policies scenarios

SIM_SRC       := $(wildcard sim/*/*.c)
MODELS_SRC    := $(wildcard models/*/*.c)
POLICIES_SRC  := $(wildcard policies/*.c policies/*/*.c)
SCENARIOS_SRC := $(filter-out scenarios/cli/main.c,$(wildcard scenarios/*/*.c))
LIB_SRC       := $(SIM_SRC) $(MODELS_SRC) $(POLICIES_SRC) $(SCENARIOS_SRC)
TEST_SRC      := $(wildcard tests/*/test_*.c)
FUZZ_SRC      := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC     := $(wildcard tests/bench/bench_*.c)
# Helpers of tests, linked into every test of their folder: tests/sim/support_log.c
SUPPORT_SRC   := $(wildcard tests/*/support_*.c)
ALL_SRC       := $(LIB_SRC) scenarios/cli/main.c $(wildcard tests/*/*.c)
FOLDERS       := $(wildcard include sim models policies scenarios tests)
HEADERS       := $(sort $(shell find $(FOLDERS) -name '*.h'))

obj    = $(1:%.c=$(OUT)/%.o)
TESTS := $(TEST_SRC:%.c=$(OUT)/%) $(FUZZ_SRC:%.c=$(OUT)/%) $(wildcard tests/*/test_*.sh)
# The build's own tests make builds of their own: once is enough.
ifneq ($(BUILD),release)
  TESTS := $(filter-out tests/lint/% tests/setup/% tests/install/%,$(TESTS))
endif
# What learns or plays for minutes under a sanitizer, and leans on what smaller tests cover.
SLOW := test_market test_market.sh test_learn test_dd test_egdb test_ebaret test_dt test_train \
        test_train.sh test_csv test_sweep_command.sh test_league test_market_report test_ocarm \
        test_predict.sh test_estimate test_long_past.sh test_networks
ifneq ($(SHORT),)
  TESTS := $(foreach test,$(TESTS),$(if $(filter $(SLOW),$(notdir $(test))),,$(test)))
endif
ifneq ($(TEST),)
  TESTS := $(foreach test,$(TESTS),$(if $(findstring $(TEST),$(test)),$(test)))
endif
BENCHES := $(BENCH_SRC:%.c=$(OUT)/%) $(wildcard tests/bench/bench_*.sh)
SIM_LIBS       := $(OUT)/libsim.a
MODELS_LIBS    := $(OUT)/libmodels.a $(SIM_LIBS)
POLICIES_LIBS  := $(OUT)/libpolicies.a $(MODELS_LIBS)
SCENARIOS_LIBS := $(OUT)/libscenarios.a $(POLICIES_LIBS)

# What the goals at hand need from Debian, found or installed in one go before anything is built.
NEEDS := build $(if $(filter test% golden coverage,$(MAKECMDGOALS)),test) \
         $(filter demo results bench lint coverage,$(MAKECMDGOALS)) \
         $(if $(filter tidy format% ,$(MAKECMDGOALS)),lint) \
         $(if $(filter fuzz%,$(MAKECMDGOALS)),fuzz)

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all help need test test-san test-tsan coverage golden fuzz fuzz-run bench demo models results \
        lint format-check format style layers headers symbols linkage tidy tidy-files \
        install uninstall clean FORCE

all: build/gavel ## Build the program, build/gavel (BUILD=release|debug|san|tsan)

# build/gavel is whichever build was asked for last.
build/gavel: $(OUT)/gavel FORCE
	@[ "$$(readlink $@)" = $(BUILD)/gavel ] || ln -sfn $(BUILD)/gavel $@

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

need:
	@CC='$(CC)' scripts/setup $(NEEDS)

# ---- building --------------------------------------------------------------------------------

# Rewritten only when they change: other flags rebuild everything, another commit one file.
$(OUT)/flags: FORCE | need
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' >$@

$(OUT)/build_info.h: FORCE | need
	@mkdir -p $(@D)
	@{ echo '/* Generated by the Makefile: what this build was made of. */'; \
	  echo '#define GV_BUILD_VERSION  "$(VERSION)"'; \
	  echo "#define GV_BUILD_COMMIT   \"$$(scripts/commit-name)\""; \
	  echo "#define GV_BUILD_COMPILER \"$$($(CC) --version | head -n 1)\""; \
	  echo '#define GV_BUILD_FLAGS    "$(strip $(BASE_CFLAGS))"'; } >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(OUT)/%.o: %.c $(OUT)/flags | $(OUT)/build_info.h
	@mkdir -p $(@D)
	$(say) "  CC    $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -c $< -o $@

$(OUT)/libsim.a: $(call obj,$(SIM_SRC))
$(OUT)/libmodels.a: $(call obj,$(MODELS_SRC))
$(OUT)/libpolicies.a: $(call obj,$(POLICIES_SRC))
$(OUT)/libscenarios.a: $(call obj,$(SCENARIOS_SRC))
$(OUT)/libgavel.a: $(call obj,$(LIB_SRC))
$(OUT)/lib%.a: $(OUT)/flags
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(OUT)/libgavel.so.$(VERSION): $(call obj,$(LIB_SRC))
	$(say) "  LINK  $@"
	$(Q)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,libgavel.so.$(SO_VERSION) -Wl,--no-undefined \
	    $(ALL_LDFLAGS) $^ $(LIBS) -o $@

link = $(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(filter %.o %.a,$^) $(LIBS) -o $@

$(OUT)/gavel: $(call obj,scenarios/cli/main.c) $(SCENARIOS_LIBS)
	$(say) "  LINK  $@"
	$(link)

# ---- tests -----------------------------------------------------------------------------------

support = $(call obj,$(filter tests/$(1)/%,$(SUPPORT_SRC)))

# A test links its own layer's library and those below alone: a call upwards cannot link.
$(OUT)/tests/%: LIBS += -lcmocka
$(OUT)/tests/policies/test_oracle_slot: LIBS += -lglpk
$(OUT)/tests/sim/%: $(OUT)/tests/sim/%.o $(call support,sim) $(SIM_LIBS)
	$(say) "  LINK  $@"
	$(link)
$(OUT)/tests/models/%: $(OUT)/tests/models/%.o $(call support,models) $(MODELS_LIBS)
	$(say) "  LINK  $@"
	$(link)
$(OUT)/tests/policies/%: $(OUT)/tests/policies/%.o $(call support,policies) $(POLICIES_LIBS)
	$(say) "  LINK  $@"
	$(link)
$(OUT)/tests/scenarios/%: $(OUT)/tests/scenarios/%.o $(call support,scenarios) $(SCENARIOS_LIBS)
	$(say) "  LINK  $@"
	$(link)
$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(call support,bench) $(SCENARIOS_LIBS)
	$(say) "  LINK  $@"
	$(link)

# Under BUILD=fuzz libFuzzer drives a target; in every other build a plain program puts the
# corpus through it once, so the seeds are regression tests that need no clang.
ifeq ($(BUILD),fuzz)
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(call support,fuzz) $(SCENARIOS_LIBS)
	$(say) "  LINK  $@"
	$(link) -fsanitize=fuzzer
else
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/run_corpus.o $(call support,fuzz) $(SCENARIOS_LIBS)
	$(say) "  LINK  $@"
	$(link)
endif

# What tests may read: where the program of this build is, and how to build others.
test_env = BUILD=$(BUILD) OUT=$(OUT) GAVEL=$(CURDIR)/$(OUT)/gavel CC='$(CC)' \
           OPENBLAS_NUM_THREADS=$${OPENBLAS_NUM_THREADS-1}

test: $(TESTS) $(OUT)/gavel ## Run every test (TEST=name: those whose path holds it; V=1: all output)
	@$(test_env) scripts/run-tests $(OUT) $(TESTS)

test-san: ## Run every test under AddressSanitizer and UndefinedBehaviorSanitizer (SHORT=1: but the slowest)
	@$(MAKE) --no-print-directory BUILD=san test

test-tsan: ## Run every test under ThreadSanitizer
	@$(MAKE) --no-print-directory BUILD=tsan test

coverage: need ## Run every test and say which lines none of them reached
	@$(MAKE) --no-print-directory BUILD=coverage test
	@gcovr --root . --filter '(sim|models|policies|scenarios)/' build/coverage

golden: ## Rewrite tests/golden/ from what the program prints now: read the diff before you commit
	@GV_GOLDEN_UPDATE=1 $(MAKE) --no-print-directory test
	@git --no-pager diff --stat -- tests/golden

fuzz: ## Fuzz every target for FUZZ_SECONDS (60) each, or FUZZ=name alone
	@$(MAKE) --no-print-directory BUILD=fuzz CC=$(CLANG) fuzz-run

FUZZERS := $(if $(FUZZ),$(OUT)/tests/fuzz/fuzz_$(FUZZ),$(FUZZ_SRC:%.c=$(OUT)/%))
fuzz-run: $(FUZZERS)
	@scripts/run-fuzz $(OUT) $(FUZZ_SECONDS) $^

bench: $(BENCHES) $(OUT)/gavel ## Measure against peers into results/benchmarks.md (BENCH=name: print one alone)
	@$(test_env) FLAGS='$(strip $(BASE_CFLAGS))' scripts/run-bench '$(BENCH)' $(BENCHES)

# ---- demonstrations --------------------------------------------------------------------------

demo: all ## Replay the sample, or a generated log, under five policies: table and plot
	@GAVEL=build/gavel scripts/demo

models: all ## Train the networks of models/weights/ anew, from a seed (MODEL=name: one alone)
	@GAVEL=build/gavel scripts/models $(MODEL)

results: all ## Rewrite the tables of results/, of markets and of the real logs (GAVEL_DATA; RESULTS=name)
	@GAVEL=build/gavel scripts/results $(RESULTS)

# ---- lint ------------------------------------------------------------------------------------

lint: format-check style layers headers symbols linkage tidy ## Everything that reads the code without running it

format-check: ## Fail if clang-format would change anything
	@$(CLANG_FORMAT) --dry-run --Werror $(ALL_SRC) $(HEADERS)

format: ## Rewrite the code with clang-format
	@$(CLANG_FORMAT) -i $(ALL_SRC) $(HEADERS)

style: ## Lengths of files, functions and lines; words and comments that do not belong
	@scripts/check-style $(ALL_SRC) $(HEADERS)

layers: ## No file includes a header of a layer above its own, nor a library that is another's
	@scripts/check-layers $(LAYERS)

headers: ## Every header compiles by itself
	@printf '%s\n' $(HEADERS) | xargs -P $(JOBS) -I {} sh -c 'echo "typedef int gv_alone;" | \
	    $(CC) -std=c17 -D_GNU_SOURCE $(WARNINGS) $(INCLUDES) -include {} -fsyntax-only -x c -'

symbols: $(OUT)/libgavel.a ## Every global symbol starts with gv_, and mem.c alone allocates
	@scripts/check-symbols $(call obj,$(LIB_SRC))

linkage: $(OUT)/gavel $(OUT)/libgavel.so.$(VERSION) ## BLAS comes from OpenBLAS, never from gslcblas
	@scripts/check-linkage $^

# One file at a time: clang-tidy 14 invents va_list errors otherwise. A file is read again when
# its object was rebuilt, so when a header of its changed.
tidy: ## clang-tidy over every source file
	@$(MAKE) --no-print-directory -k $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) tidy-files

tidy-files: $(ALL_SRC:%.c=build/tidy/%.ok)

build/tidy/%.ok: %.c $(OUT)/%.o .clang-tidy
	@mkdir -p $(@D)
	@$(CLANG_TIDY) --quiet $< -- -std=c17 -D_GNU_SOURCE $(INCLUDES) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

# ---- installing ------------------------------------------------------------------------------

install: all $(OUT)/libgavel.a $(OUT)/libgavel.so.$(VERSION) ## Install program, libraries, headers, gavel.pc (prefix, DESTDIR, libdir)
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(datadir)/gavel/scenarios
	install $(OUT)/gavel $(DESTDIR)$(bindir)/gavel
	install -m 644 $(OUT)/libgavel.a $(DESTDIR)$(libdir)/
	install $(OUT)/libgavel.so.$(VERSION) $(DESTDIR)$(libdir)/
	ln -sf libgavel.so.$(VERSION) $(DESTDIR)$(libdir)/libgavel.so.$(SO_VERSION)
	ln -sf libgavel.so.$(SO_VERSION) $(DESTDIR)$(libdir)/libgavel.so
	cd include && find . -name '*.h' -exec install -D -m 644 {} $(abspath $(DESTDIR)$(includedir))/gavel/{} \;
	install -m 644 $(wildcard scenarios/*.yaml) $(DESTDIR)$(datadir)/gavel/scenarios/
	install -D -m 644 -t $(DESTDIR)$(datadir)/gavel/models/weights $(wildcard models/weights/*.safetensors)
	scripts/pkg-config-file '$(VERSION)' '$(prefix)' '$(libdir)' '$(includedir)' '$(LIBS)' >$(DESTDIR)$(libdir)/pkgconfig/gavel.pc

uninstall: ## Remove what install put there
	$(RM) -r $(DESTDIR)$(includedir)/gavel $(DESTDIR)$(datadir)/gavel
	$(RM) $(DESTDIR)$(bindir)/gavel $(DESTDIR)$(libdir)/libgavel.* $(DESTDIR)$(libdir)/pkgconfig/gavel.pc

clean: ## Remove build/
	$(RM) -r build

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
