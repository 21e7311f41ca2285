# Gavel's build. One file, no recursion but for other builds of itself; `make help` lists the targets.

ifeq ($(origin CC),default)
  CC := gcc
endif
BUILD ?= release
OUT   := build/$(BUILD)

WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align=strict \
            -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wdouble-promotion \
            -Wswitch-enum -Wimplicit-fallthrough=5 -Wnull-dereference -Wduplicated-cond \
            -Wduplicated-branches -Wlogical-op -Wjump-misses-init -Wredundant-decls

CFLAGS_debug   := -O0 -g3
CFLAGS_release := -O3 -g
CFLAGS_san     := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all \
                  -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g3 -fsanitize=thread -fno-omit-frame-pointer
ifeq ($(origin CFLAGS_$(BUILD)),undefined)
  $(error BUILD=$(BUILD): use release, debug, san or tsan)
endif

# No fused multiply-add behind our back: the same source must give the same bits in its scalar
# and its vector form. No fast-math, ever.
ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -fPIC -pthread -ffp-contract=off $(WARNINGS) $(CFLAGS_$(BUILD)) $(CFLAGS)
CPPFLAGS   := -Iinclude -I. -Itests -MMD -MP

# OpenBLAS before GSL, and never gslcblas: see models/nn/.
LIBS := -lopenblas -lgsl -lsqlite3 -lcsv -larchive -lxxhash -lyaml -ljansson -lm

# Lowest first: a layer includes only headers of its own and of those before it.
LAYERS := sim/base sim/core sim/log sim/market sim/outcome sim/estimate models/nn models/predict policies scenarios

SIM_SRC       := $(wildcard sim/*/*.c)
MODELS_SRC    := $(wildcard models/*/*.c)
POLICIES_SRC  := $(wildcard policies/*.c policies/*/*.c)
SCENARIOS_SRC := $(filter-out scenarios/cli/main.c,$(wildcard scenarios/*/*.c))
MAIN_SRC      := $(wildcard scenarios/cli/main.c)
LIB_SRC       := $(SIM_SRC) $(MODELS_SRC) $(POLICIES_SRC) $(SCENARIOS_SRC)
TEST_SRC      := $(wildcard tests/*/test_*.c)
HEADERS       := $(shell find include -name '*.h')

OBJ    = $(1:%.c=$(OUT)/%.o)
TESTS := $(TEST_SRC:%.c=$(OUT)/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help test

all: build/gavel ## Build the program, build/gavel (BUILD=release|debug|san|tsan)

ifneq ($(MAIN_SRC),)
$(OUT)/gavel: $(call OBJ,$(MAIN_SRC)) $(OUT)/libscenarios.a $(OUT)/libpolicies.a $(OUT)/libmodels.a $(OUT)/libsim.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

build/gavel: $(OUT)/gavel
	@ln -sf $(BUILD)/gavel $@
else
build/gavel: $(OUT)/libsim.a
endif

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(OUT)/libsim.a: $(call OBJ,$(SIM_SRC))
$(OUT)/libmodels.a: $(call OBJ,$(MODELS_SRC))
$(OUT)/libpolicies.a: $(call OBJ,$(POLICIES_SRC))
$(OUT)/libscenarios.a: $(call OBJ,$(SCENARIOS_SRC))
$(OUT)/lib%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -c $< -o $@

# A test links its own layer's library and those below alone: a call upwards cannot link.
$(OUT)/tests/sim/%: $(OUT)/tests/sim/%.o $(OUT)/libsim.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@
$(OUT)/tests/models/%: $(OUT)/tests/models/%.o $(OUT)/libmodels.a $(OUT)/libsim.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@
$(OUT)/tests/policies/%: $(OUT)/tests/policies/%.o $(OUT)/libpolicies.a $(OUT)/libmodels.a $(OUT)/libsim.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@
$(OUT)/tests/scenarios/%: $(OUT)/tests/scenarios/%.o $(OUT)/libscenarios.a $(OUT)/libpolicies.a $(OUT)/libmodels.a $(OUT)/libsim.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@

test: $(TESTS) ## Run every test
	@for test in $(TESTS); do $$test || exit 1; done

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
