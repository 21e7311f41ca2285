/* The sections of a simulated market: market, traffic, advertisers. */
#include "scenarios/config/market.h"

#include <math.h>
#include <string.h>

#include "scenarios/config/quote.h"
#include "scenarios/config/scenario_impl.h"
#include "sim/base/money.h"

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for the market of a scenario");
}

static void add_item(const gv_reading *reading, size_t node, const char *key, gv_list_item *item)
{
    const gv_node *found = &reading->tree->nodes[node];
    const bool is_value = found->kind == GV_NODE_SCALAR && found->text[0] != '\0';
    if (!is_value) {
        gv_problems_add(reading->problems, found->mark, "%s: expected one value for each item",
                        key);
    }
    *item = (gv_list_item){.text = is_value ? found->text : "", .mark = found->mark};
}

/* "[a, b]", as it is printed and stored. */
static gv_status keep_list(const gv_reading *reading, gv_section *section, const char *key,
                           const gv_list *list, size_t node)
{
    const char *text = "[";
    for (size_t i = 0; i < list->count && text != NULL; i++) {
        const char *quoted = gv_quote(reading->region, list->items[i].text);
        text = quoted == NULL
                   ? NULL
                   : gv_region_print(reading->region, "%s%s%s", text, i == 0 ? "" : ", ", quoted);
    }
    text = text == NULL ? NULL : gv_region_print(reading->region, "%s]", text);
    if (text == NULL) {
        return no_memory();
    }
    gv_section_extra(reading, section, key, text, node);
    return GV_OK;
}

/* The list, or the single value, under `key`; empty when it is not given. */
static gv_status read_list(const gv_reading *reading, size_t parent, const char *key, gv_list *list,
                           size_t *node)
{
    const gv_tree *tree = reading->tree;
    *list = (gv_list){.count = 0};
    *node = parent == GV_TREE_NONE ? GV_TREE_NONE : gv_tree_find(tree, parent, key);
    if (*node == GV_TREE_NONE) {
        return GV_OK;
    }
    const bool is_list = tree->nodes[*node].kind == GV_NODE_LIST;
    const size_t room = is_list ? gv_tree_children(tree, *node) : 1;
    gv_list_item *items = gv_region_alloc(reading->region, room, sizeof *items);
    if (items == NULL) {
        return no_memory();
    }
    list->items = items;
    if (!is_list) {
        add_item(reading, *node, key, &items[list->count++]);
        return GV_OK;
    }
    for (size_t item = gv_tree_first(tree, *node); item != GV_TREE_NONE;
         item = gv_tree_next(tree, *node, item)) {
        add_item(reading, item, key, &items[list->count++]);
    }
    return GV_OK;
}

static const gv_param exposure_row = {.name = "exposure",
                                      .kind = GV_PARAM_REAL,
                                      .minimum = 0,
                                      .maximum = 1};

static const char *const exposures[] = {"1", "0.8", "0.6"};

/* As many probabilities as slots; not given, AuctionNet's, of which one, two or three are taken. */
static gv_status read_exposure(const gv_reading *reading, size_t node, gv_market_plan *plan)
{
    gv_list list;
    size_t at = GV_TREE_NONE;
    const size_t slots = (size_t)plan->settings->slots;
    gv_list_item fallback[3];
    GV_TRY(read_list(reading, node, "exposure", &list, &at));
    if (at == GV_TREE_NONE && slots <= 3) {
        for (size_t i = 0; i < slots; i++) {
            fallback[i] = (gv_list_item){.text = exposures[i]};
        }
        list = (gv_list){fallback, slots};
    }
    if (list.count != slots) {
        gv_problems_add(reading->problems,
                        at == GV_TREE_NONE ? plan->section.mark : reading->tree->nodes[at].mark,
                        "market.exposure: expected a probability for each of the %zu slots, found "
                        "%zu",
                        slots, list.count);
    }
    plan->exposure = gv_region_alloc(reading->region, slots, sizeof *plan->exposure);
    if (plan->exposure == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < slots && i < list.count; i++) {
        if (gv_param_parse(&exposure_row, list.items[i].text, 0, &plan->exposure[i]) != GV_OK) {
            gv_problems_add(reading->problems, list.items[i].mark, "%s", gv_status_detail());
        }
    }
    return keep_list(reading, &plan->section, "exposure", &list, at);
}

static gv_status read_market(const gv_reading *reading, size_t node, gv_market_plan *plan)
{
    static const char *const others[] = {"exposure", "contenders", NULL};
    size_t at = GV_TREE_NONE;
    plan->section.path = "market";
    GV_TRY(
        gv_section_read(reading, node, &gv_scenario_market_section.info, others, &plan->section));
    plan->settings = plan->section.config;
    if (reading->tree->nodes[node].kind != GV_NODE_MAP || reading->problems->count > 0) {
        return GV_OK; /* a wrong number of slots would only bring forth more complaints */
    }
    GV_TRY(read_exposure(reading, node, plan));
    GV_TRY(read_list(reading, node, "contenders", &plan->contenders, &at));
    return keep_list(reading, &plan->section, "contenders", &plan->contenders, at);
}

static gv_status read_traffic(const gv_reading *reading, gv_market_plan *plan)
{
    static const char *const others[] = {"type", NULL};
    gv_section *section = &plan->traffic_section;
    const size_t node = gv_tree_find(reading->tree, 0, "traffic");
    const char *word = gv_section_word(reading, node, "type", "traffic");
    const char *name = word == NULL ? gv_traffic_auctionnet.info.name : word;
    section->path = "traffic";
    plan->traffic = gv_traffic_find(name);
    if (plan->traffic == NULL) {
        const char *names[GV_SCENARIO_TYPES_MAX];
        size_t count = 0;
        for (; gv_traffic_types[count] != NULL && count < GV_SCENARIO_TYPES_MAX; count++) {
            names[count] = gv_traffic_types[count]->info.name;
        }
        gv_scenario_refuse_type(reading, node, "traffic", name, names, count);
        return GV_OK;
    }
    GV_TRY(gv_scenario_keep_word(reading, node, section, "type", name));
    return gv_section_read(reading, node, &plan->traffic->info, others, section);
}

/* The amounts under `key`, at least one, each in [minimum, 1e9] currency. */
static gv_status read_amounts(const gv_reading *reading, size_t parent, const gv_param *row,
                              gv_section *section, int64_t **amounts, size_t *count)
{
    gv_list list;
    size_t node = GV_TREE_NONE;
    GV_TRY(read_list(reading, parent, row->name, &list, &node));
    *amounts = gv_region_alloc(reading->region, list.count, sizeof **amounts);
    if (*amounts == NULL) {
        return no_memory();
    }
    *count = list.count;
    if (list.count == 0) {
        gv_problems_add(reading->problems, section->mark,
                        "advertisers.%s must be given, as an amount or a list: %s", row->name,
                        row->help);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (gv_param_parse(row, list.items[i].text, 0, &(*amounts)[i]) != GV_OK) {
            gv_problems_add(reading->problems, list.items[i].mark, "%s", gv_status_detail());
        }
    }
    return keep_list(reading, section, row->name, &list, node);
}

/* The numbers under the row's name; not given, one of its fallback. */
static gv_status read_scales(const gv_reading *reading, size_t parent, const gv_param *row,
                             gv_section *section, double **scales, size_t *count)
{
    const gv_list_item one = {.text = row->fallback};
    gv_list list;
    size_t node = GV_TREE_NONE;
    GV_TRY(read_list(reading, parent, row->name, &list, &node));
    if (list.count == 0) {
        list = (gv_list){&one, 1};
    }
    *scales = gv_region_alloc(reading->region, list.count, sizeof **scales);
    if (*scales == NULL) {
        return no_memory();
    }
    *count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        if (gv_param_parse(row, list.items[i].text, 0, &(*scales)[i]) != GV_OK) {
            gv_problems_add(reading->problems, list.items[i].mark, "%s", gv_status_detail());
        }
    }
    return keep_list(reading, section, row->name, &list, node);
}

static const gv_param bid_scale_row = {.name = "bid_scale",
                                       .kind = GV_PARAM_REAL,
                                       .fallback = "1",
                                       .minimum = 0,
                                       .maximum = 1000};

static const gv_param belief_scale_row = {.name = "belief_scale",
                                          .kind = GV_PARAM_REAL,
                                          .fallback = "1",
                                          .minimum = 0,
                                          .maximum = 1000};

static const gv_param belief_noise_row = {.name = "belief_noise",
                                          .kind = GV_PARAM_REAL,
                                          .fallback = "0",
                                          .minimum = 0,
                                          .maximum = 100};

static const gv_param belief_cold_row = {.name = "belief_cold",
                                         .kind = GV_PARAM_REAL,
                                         .fallback = "0",
                                         .minimum = 0,
                                         .maximum = 1};

static const gv_param belief_stale_row = {.name = "belief_stale",
                                          .kind = GV_PARAM_REAL,
                                          .fallback = "0",
                                          .minimum = 0,
                                          .maximum = GV_STALE_MAX};

static const gv_param budget_row = {.name = "budget",
                                    .kind = GV_PARAM_MONEY,
                                    .unit = "currency",
                                    .minimum = 0,
                                    .maximum = 1e9,
                                    .help = "[3000, 4000]"};

static const gv_param cpa_row = {.name = "cpa",
                                 .kind = GV_PARAM_MONEY,
                                 .unit = "currency",
                                 .minimum = 1e-9,
                                 .maximum = 1e9,
                                 .help = "[80, 100]"};

static void check_stales(const gv_reading *reading, const gv_market_plan *plan)
{
    for (size_t i = 0; i < plan->belief_stale_count; i++) {
        if (plan->belief_stales[i] != floor(plan->belief_stales[i])) {
            gv_problems_add(reading->problems, plan->advertiser_section.mark,
                            "advertisers.belief_stale: %g, expected whole ticks",
                            plan->belief_stales[i]);
        }
    }
}

static gv_status read_advertisers(const gv_reading *reading, gv_market_plan *plan)
{
    static const char *const others[] = {"budget",      "cpa",          "policies",
                                         "bid_scale",   "belief_scale", "belief_noise",
                                         "belief_cold", "belief_stale", NULL};
    gv_section *section = &plan->advertiser_section;
    const size_t node = gv_tree_find(reading->tree, 0, "advertisers");
    size_t at = GV_TREE_NONE;
    section->path = "advertisers";
    section->mark = reading->tree->nodes[0].mark;
    GV_TRY(gv_section_read(reading, node, &gv_scenario_advertisers_section.info, others, section));
    plan->advertisers = section->config;
    if (node == GV_TREE_NONE || reading->tree->nodes[node].kind != GV_NODE_MAP) {
        gv_problems_add(reading->problems, section->mark,
                        "advertisers must be given, with budget, cpa and policies");
        return GV_OK;
    }
    GV_TRY(read_amounts(reading, node, &budget_row, section, &plan->budgets, &plan->budget_count));
    GV_TRY(read_amounts(reading, node, &cpa_row, section, &plan->cpas, &plan->cpa_count));
    GV_TRY(read_scales(reading, node, &bid_scale_row, section, &plan->bid_scales,
                       &plan->bid_scale_count));
    GV_TRY(read_scales(reading, node, &belief_scale_row, section, &plan->belief_scales,
                       &plan->belief_scale_count));
    GV_TRY(read_scales(reading, node, &belief_noise_row, section, &plan->belief_noises,
                       &plan->belief_noise_count));
    GV_TRY(read_scales(reading, node, &belief_cold_row, section, &plan->belief_colds,
                       &plan->belief_cold_count));
    GV_TRY(read_scales(reading, node, &belief_stale_row, section, &plan->belief_stales,
                       &plan->belief_stale_count));
    check_stales(reading, plan);
    GV_TRY(read_list(reading, node, "policies", &plan->policies, &at));
    if (plan->policies.count == 0) {
        gv_problems_add(reading->problems, section->mark,
                        "advertisers.policies must be given: names from `policies`");
    }
    if (plan->advertisers->categories > plan->advertisers->count) {
        gv_problems_add(reading->problems, gv_section_mark(section, "categories"),
                        "advertisers.categories: %lld categories of %lld advertisers",
                        (long long)plan->advertisers->categories,
                        (long long)plan->advertisers->count);
    }
    return keep_list(reading, section, "policies", &plan->policies, at);
}

/* What belongs to a replay only has no place beside a market, and the other way round. */
static void refuse_mixtures(const gv_reading *reading, bool is_market)
{
    static const char *const of_replay[] = {"log",      "history",   "predictor", "belief",
                                            "response", "campaigns", NULL};
    static const char *const of_market[] = {"traffic", "advertisers", NULL};
    const char *const *names = is_market ? of_replay : of_market;
    for (size_t i = 0; names[i] != NULL; i++) {
        const size_t node = gv_tree_find(reading->tree, 0, names[i]);
        if (node != GV_TREE_NONE) {
            gv_problems_add(reading->problems, reading->tree->nodes[node].key_mark,
                            is_market ? "%s belongs to the replay of a log, and this scenario has "
                                        "a market: take either out"
                                      : "%s belongs to a simulated market: give `market:` too",
                            names[i]);
        }
    }
}

gv_status gv_scenario_read_market(gv_scenario *scenario, const gv_reading *reading)
{
    const size_t node = gv_tree_find(reading->tree, 0, "market");
    refuse_mixtures(reading, node != GV_TREE_NONE);
    if (node == GV_TREE_NONE) {
        return GV_OK;
    }
    gv_market_plan *plan = gv_region_alloc(reading->region, 1, sizeof *plan);
    if (plan == NULL) {
        return no_memory();
    }
    scenario->market = plan;
    GV_TRY(read_market(reading, node, plan));
    GV_TRY(read_traffic(reading, plan));
    GV_TRY(gv_scenario_resolve_paths(scenario, &plan->traffic_section));
    return read_advertisers(reading, plan);
}
