/*
 * The one place that calls a learner type's methods; counts its steps, and guards what it saves
 * with the type, the parameters, the seed and the data, so that nothing is resumed into another
 * training.
 */
#include "policies/learn/learner.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"

enum { STATE_ALIGNMENT = 64, PERIODS_SIZE = 512, NAMES_MAX = 32, VALUE_SIZE = 64 };

#define IDENTITY_TAG "learner"
#define STEP_TAG     "learner_step"
#define STEPS_ROW    "steps"

struct gv_learner {
    const gv_learner_type *type;
    gv_learner_setup setup;
    uint64_t step;
    uint64_t data_hash;
    bool is_begun;
    void *state;
};

static bool is_steps(const gv_param *row)
{
    return strcmp(row->name, STEPS_ROW) == 0;
}

uint64_t gv_learner_usual_steps(const gv_learner_type *type, const void *config)
{
    const gv_param *row = gv_param_find(type->info.params, STEPS_ROW);
    assert(row != NULL);
    assert(row->kind == GV_PARAM_INTEGER);
    int64_t steps = 0;
    memcpy(&steps, (const unsigned char *)config + row->offset, sizeof steps);
    assert(steps >= 1);
    return (uint64_t)steps;
}

void gv_learner_print(const gv_type_info *info, const void *config, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const gv_param *row = info->params; row->name != NULL; row++) {
        char value[VALUE_SIZE];
        if (is_steps(row)) {
            continue;
        }
        gv_param_print(row, config, value, sizeof value);
        used += (size_t)snprintf(text + used, size - used, "%s=%s\n", row->name, value);
        assert(used < size);
    }
}

static gv_status set_value(const gv_learner_type *type, const char *text, void *config)
{
    char name[VALUE_SIZE] = "";
    const char *equals = strchr(text, '=');
    assert(equals != NULL);
    assert((size_t)(equals - text) < sizeof name);
    memcpy(name, text, (size_t)(equals - text));
    const gv_param *row = gv_param_find(type->info.params, name);
    assert(row != NULL);
    return gv_param_parse(row, equals + 1, 0, config);
}

static gv_status set_values(const gv_learner_type *type, const char *const *values, void *config)
{
    for (const char *const *value = values; *value != NULL; value++) {
        GV_TRY(set_value(type, *value, config));
    }
    return GV_OK;
}

gv_status gv_learner_preset(const gv_learner_type *type, const char *name, void *config)
{
    const gv_preset *preset = type->presets;
    char names[256] = "";
    for (; preset != NULL && preset->name != NULL; preset++) {
        if (strcmp(preset->name, name) == 0) {
            return set_values(type, preset->values, config);
        }
        const size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, " %s", preset->name);
    }
    return GV_FAIL(GV_EUSAGE, "%s has no preset '%s'; there %s%s", type->info.name, name,
                   names[0] == '\0' ? "is none" : "are:", names);
}

size_t gv_learner_losses(const gv_learner_type *type)
{
    size_t count = 0;
    while (type->losses[count] != NULL) {
        count++;
    }
    return count;
}

static void assert_type(const gv_learner_type *type)
{
    assert(type->info.name != NULL);
    assert(type->info.params != NULL);
    assert(type->init != NULL);
    assert(type->step != NULL);
    assert(type->network != NULL);
    assert(type->save != NULL);
    assert(type->restore != NULL);
    assert(type->fini != NULL);
}

gv_status gv_learner_create(const gv_learner_type *type, const gv_learner_setup *setup,
                            gv_learner **out)
{
    assert_type(type);
    assert(setup->jobs >= 1);
    assert(gv_dataset_count(setup->dataset) >= 1);

    gv_learner *learner = gv_mem_alloc(sizeof *learner, 0, 0);
    if (learner == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a learner");
    }
    gv_status status = GV_OK;
    *learner = (gv_learner){.type = type, .setup = *setup};
    learner->state = gv_mem_alloc(0, 1, type->state_size);
    if (learner->state == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for a %s learner", type->info.name);
        goto fail;
    }
    learner->data_hash = gv_dataset_hash(setup->dataset);
    learner->is_begun = true;
    GV_TRY_GOTO(status, type->init(learner->state, setup), fail);
    *out = learner;
    return GV_OK;
fail:
    gv_learner_destroy(learner);
    return status;
}

void gv_learner_destroy(gv_learner *learner)
{
    if (learner == NULL) {
        return;
    }
    if (learner->is_begun) {
        learner->type->fini(learner->state);
    }
    gv_mem_free(learner->state);
    gv_mem_free(learner);
}

gv_status gv_learner_step(gv_learner *learner, double *losses)
{
    const gv_learner_type *type = learner->type;
    const size_t count = gv_learner_losses(type);
    const gv_status status = type->step(learner->state, learner->step, losses);
    if (status != GV_OK) {
        return GV_FAIL(status, "%s, step %" PRIu64 ": %.900s", type->info.name, learner->step,
                       gv_status_detail());
    }
    for (size_t i = 0; i < count; i++) {
        assert(isfinite(losses[i]));
    }
    learner->step++;
    return GV_OK;
}

uint64_t gv_learner_steps(const gv_learner *learner)
{
    return learner->step;
}

static gv_reach_span stretched(gv_reach_span span, gv_reach_span factors)
{
    if (factors.most > 0) {
        span.least *= factors.least;
        span.most *= factors.most;
    }
    return span;
}

/* Of the campaigns that it learns from. */
static gv_reach reach_of(const gv_learner *learner)
{
    const gv_reach *stretch = &learner->type->stretch;
    const gv_reach reach = gv_dataset_reach(learner->setup.dataset);
    return (gv_reach){.budget = stretched(reach.budget, stretch->budget),
                      .cpa = stretched(reach.cpa, stretch->cpa)};
}

gv_status gv_learner_export(const gv_learner *learner, const char *version, const char *path)
{
    char periods[PERIODS_SIZE];
    gv_dataset_periods(learner->setup.dataset, periods, sizeof periods);
    const gv_weights_about about = {.type = &learner->type->info,
                                    .config = learner->setup.config,
                                    .network = learner->type->network(learner->state),
                                    .tick_count = gv_dataset_ticks(learner->setup.dataset),
                                    .seed = learner->setup.seed,
                                    .step = learner->step,
                                    .data_hash = learner->data_hash,
                                    .periods = periods,
                                    .imprints = gv_dataset_imprints(learner->setup.dataset),
                                    .reach = reach_of(learner),
                                    .version = version};
    return gv_weights_write(path, &about);
}

/* ---- going on -------------------------------------------------------------------------------- */

/* What must agree: "bc\nhidden=128\n...seed=1\ndata=...". */
static void print_identity(const gv_learner *learner, char text[GV_LEARNER_TEXT_SIZE])
{
    const gv_type_info *info = &learner->type->info;
    const size_t room = GV_LEARNER_TEXT_SIZE;
    size_t used = (size_t)snprintf(text, room, "%s\n", info->name);
    gv_learner_print(info, learner->setup.config, text + used, room - used);
    used += strlen(text + used);
    used += (size_t)snprintf(text + used, room - used, "seed=%" PRIu64 "\ndata=%016" PRIx64 "\n",
                             learner->setup.seed, learner->data_hash);
    assert(used < room);
}

gv_status gv_learner_save(const gv_learner *learner, gv_writer *writer)
{
    char text[GV_LEARNER_TEXT_SIZE];
    print_identity(learner, text);
    GV_TRY(gv_writer_put(writer, IDENTITY_TAG, text, strlen(text)));
    GV_TRY(gv_writer_put(writer, STEP_TAG, &learner->step, sizeof learner->step));
    return learner->type->save(learner->state, writer);
}

/* The first line in which two texts differ. */
static gv_status refuse_identity(const char *found, const char *expected)
{
    size_t length = strcspn(found, "\n");
    while (length > 0 && strncmp(found, expected, length + 1) == 0) {
        found += length + 1;
        expected += length + 1;
        length = strcspn(found, "\n");
    }
    return GV_FAIL(GV_ECORRUPT, "it was saved with \"%.*s\", and this training has \"%.*s\"",
                   (int)length, found, (int)strcspn(expected, "\n"), expected);
}

static gv_status check_identity(const gv_learner *learner, gv_reader *reader)
{
    char expected[GV_LEARNER_TEXT_SIZE];
    char found[GV_LEARNER_TEXT_SIZE] = "";
    size_t size = 0;
    print_identity(learner, expected);
    GV_TRY(gv_reader_peek(reader, IDENTITY_TAG, &size));
    if (size >= sizeof found) {
        return GV_FAIL(GV_ECORRUPT, "the saved training names itself in %zu bytes", size);
    }
    GV_TRY(gv_reader_get(reader, IDENTITY_TAG, found, size));
    return strcmp(found, expected) == 0 ? GV_OK : refuse_identity(found, expected);
}

gv_status gv_learner_restore(gv_learner *learner, gv_reader *reader)
{
    GV_TRY(check_identity(learner, reader));
    GV_TRY(gv_reader_get(reader, STEP_TAG, &learner->step, sizeof learner->step));
    return learner->type->restore(learner->state, reader);
}
