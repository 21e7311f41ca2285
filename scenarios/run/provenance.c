#include "scenarios/run/provenance.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "scenarios/run/version.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"

enum { HEX_SIZE = 17 };

static json_t *hex_of(uint64_t hash)
{
    char text[HEX_SIZE];
    (void)snprintf(text, sizeof text, "%016" PRIx64, hash);
    return json_string(text);
}

static json_t *list_periods(const gv_composition *composition, const uint64_t *hashes)
{
    json_t *periods = json_object();
    for (size_t i = 0; i < composition->unit_count; i++) {
        char number[32];
        (void)snprintf(number, sizeof number, "%" PRIu64,
                       (uint64_t)composition->market->plan->settings->first_period + i);
        (void)json_object_set_new(periods, number, hex_of(hashes[i]));
    }
    return periods;
}

static json_t *list_behaviours(const gv_market *market, const gv_expert_options *options)
{
    json_t *behaviours = json_array();
    (void)json_array_append_new(behaviours, json_string("log"));
    if (options == NULL) {
        return behaviours;
    }
    (void)json_array_append_new(behaviours, json_string("oracle"));
    if (options->noise > 0) {
        (void)json_array_append_new(behaviours, json_string("noisy oracle"));
    }
    for (size_t i = 0; i < market->contender_count; i++) {
        (void)json_array_append_new(behaviours, json_string(market->contenders[i]->name));
    }
    return behaviours;
}

static json_t *describe_draws(const gv_expert_options *options)
{
    json_t *draws = json_object();
    (void)json_object_set_new(draws, "copies", json_integer((json_int_t)options->copies));
    (void)json_object_set_new(draws, "budget",
                              json_pack("[ff]", options->budget_least, options->budget_most));
    if (!isnan(options->cpa_least)) {
        (void)json_object_set_new(draws, "cpa",
                                  json_pack("[ff]", options->cpa_least / (double)GV_NANOS_PER_UNIT,
                                            options->cpa_most / (double)GV_NANOS_PER_UNIT));
    }
    (void)json_object_set_new(draws, "noise", json_real(options->noise));
    return draws;
}

static gv_status dump(const json_t *root, char **text)
{
    const size_t size = json_dumpb(root, NULL, 0, JSON_COMPACT);
    char *room = gv_mem_alloc(0, size + 1, 1);
    if (room == NULL || size == 0) {
        gv_mem_free(room);
        return GV_FAIL(GV_ENOMEM, "no memory for where trajectories came from");
    }
    (void)json_dumpb(root, room, size, JSON_COMPACT);
    *text = room;
    return GV_OK;
}

gv_status gv_provenance_of_experts(const gv_composition *composition,
                                   const gv_expert_options *options, const uint64_t *hashes,
                                   char **text)
{
    const gv_scenario_top *top = composition->scenario->top;
    json_t *root = json_object();
    (void)json_object_set_new(root, "version", json_string(gv_version()));
    (void)json_object_set_new(root, "commit", json_string(gv_version_commit()));
    (void)json_object_set_new(root, "scenario", json_string(top->name == NULL ? "" : top->name));
    (void)json_object_set_new(root, "scenario_hash", hex_of(composition->hash));
    (void)json_object_set_new(root, "seed", json_integer(top->seed));
    (void)json_object_set_new(root, "behaviours", list_behaviours(composition->market, options));
    if (options != NULL) {
        (void)json_object_set_new(root, "draws", describe_draws(options));
    }
    (void)json_object_set_new(root, "periods", list_periods(composition, hashes));
    const gv_status status = dump(root, text);
    json_decref(root);
    return status;
}
