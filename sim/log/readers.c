/*
 * The formats that Gavel knows by name. Each is a list of columns; ranges and forms follow from
 * the columns' roles. Money in all of them is CPM, local times are China's (UTC+8).
 */
#include <assert.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/log/mapping_impl.h"
#include "sim/log/reader_impl.h"
#include "sim/log/role_impl.h"

/* Column numbers count from 0. */
typedef struct known_column {
    uint32_t column;
    gv_log_role role;
} known_column;

static void bind_columns(gv_plan *plan, const known_column *columns, size_t count)
{
    assert(count <= GV_CHUNK_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        gv_binding *binding = &plan->bindings[i];
        *binding = gv_role_binding(columns[i].role);
        binding->column = columns[i].column;
        binding->field = (uint32_t)i;
        plan->schema.fields[i] =
            (gv_log_field){gv_log_role_name(columns[i].role), gv_log_role_kind(columns[i].role)};
        assert(i == 0 || columns[i].column > columns[i - 1].column);
    }
    plan->binding_count = count;
    plan->schema.field_count = count;
}

enum { IPINYOU_FIELDS = 23 };

/* The raw columns, `shift` further right; column 2 is the log type and no field. */
static void bind_ipinyou(known_column *columns, uint32_t shift)
{
    static const gv_log_role roles[] = {GV_ROLE_USER,
                                        GV_ROLE_USER_AGENT,
                                        GV_ROLE_IP,
                                        GV_ROLE_REGION,
                                        GV_ROLE_CITY,
                                        GV_ROLE_EXCHANGE,
                                        GV_ROLE_DOMAIN,
                                        GV_ROLE_URL,
                                        GV_ROLE_URL_ID,
                                        GV_ROLE_SLOT,
                                        GV_ROLE_SLOT_WIDTH,
                                        GV_ROLE_SLOT_HEIGHT,
                                        GV_ROLE_SLOT_VISIBILITY,
                                        GV_ROLE_SLOT_FORMAT,
                                        GV_ROLE_FLOOR,
                                        GV_ROLE_CREATIVE,
                                        GV_ROLE_BID,
                                        GV_ROLE_PRICE,
                                        GV_ROLE_KEYPAGE,
                                        GV_ROLE_ADVERTISER,
                                        GV_ROLE_TAGS};
    columns[0] = (known_column){shift, GV_ROLE_BID_ID};
    columns[1] = (known_column){shift + 1, GV_ROLE_TIME};
    for (uint32_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        columns[i + 2] = (known_column){shift + 3 + i, roles[i]};
    }
}

/* iPinYou writes what is missing as "null", and times as yyyyMMddHHmmssSSS. */
static void spell_ipinyou(gv_plan *plan)
{
    plan->delimiter = '\t';
    plan->schema.zone_us = 8 * GV_US_PER_HOUR;
    for (size_t i = 0; i < plan->binding_count; i++) {
        gv_binding *binding = &plan->bindings[i];
        if (binding->form == GV_CELL_TEXT) {
            binding->missing = "null";
        }
        if (strcmp(plan->schema.fields[i].name, "time") == 0) {
            binding->form = GV_CELL_TIME_DIGITS;
            binding->expected = "a time as yyyyMMddHHmmssSSS";
        }
    }
}

/*
 * The published logs spell the log type of conversions as 2, like that of clicks, so the file's
 * name comes first: imp*, clk*, conv*. Other names go by the log type: 1, 2 or 3.
 */
static gv_status plan_ipinyou(const gv_mapping *mapping, gv_plan *plan)
{
    (void)mapping;
    known_column columns[IPINYOU_FIELDS];
    bind_ipinyou(columns, 0);
    *plan = (gv_plan){
        .column_counts = {24, 24},
        .table = {.by_file_name = true, .by_column = true, .column = 2, .words = {"1", "2", "3"}}};
    bind_columns(plan, columns, IPINYOU_FIELDS);
    spell_ipinyou(plan);
    return GV_OK;
}

/*
 * click, weekday, hour, then the 24 raw columns; test sets append the numbers of clicks and of
 * conversions. Weekday and hour repeat the time. The files begin with a header or do not.
 */
static gv_status plan_make_ipinyou(const gv_mapping *mapping, gv_plan *plan)
{
    (void)mapping;
    known_column columns[IPINYOU_FIELDS + 2] = {{0, GV_ROLE_CLICKS}};
    bind_ipinyou(columns + 1, 3);
    columns[IPINYOU_FIELDS + 1] = (known_column){28, GV_ROLE_CONVERSIONS};
    *plan = (gv_plan){.column_counts = {27, 29},
                      .header = GV_HEADER_IF_NAMED,
                      .header_word = "click",
                      .table = {.table = GV_LOG_IMPRESSION}};
    bind_columns(plan, columns, IPINYOU_FIELDS + 2);
    plan->bindings[IPINYOU_FIELDS + 1].is_optional = true;
    plan->bindings[IPINYOU_FIELDS + 1].empty = "0";
    spell_ipinyou(plan);
    return GV_OK;
}

/* Space-separated, without times. */
static void plan_spaced(gv_plan *plan, const known_column *columns, size_t count)
{
    *plan = (gv_plan){.delimiter = ' ',
                      .column_counts = {(uint32_t)count, (uint32_t)count},
                      .table = {.table = GV_LOG_IMPRESSION}};
    bind_columns(plan, columns, count);
}

/* The last column, features, is the rest of the row, if any. */
static void end_with_rest(gv_plan *plan)
{
    plan->has_rest = true;
    plan->column_counts[0]--;
    plan->bindings[plan->binding_count - 1].is_optional = true;
}

static gv_status plan_yzx(const gv_mapping *mapping, gv_plan *plan)
{
    (void)mapping;
    const known_column columns[] = {{0, GV_ROLE_CLICKS}, {1, GV_ROLE_PRICE}, {2, GV_ROLE_FEATURES}};
    plan_spaced(plan, columns, 3);
    end_with_rest(plan);
    return GV_OK;
}

static gv_status plan_yzbx(const gv_mapping *mapping, gv_plan *plan)
{
    (void)mapping;
    const known_column columns[] = {
        {0, GV_ROLE_CLICKS}, {1, GV_ROLE_PRICE}, {2, GV_ROLE_BID}, {3, GV_ROLE_FEATURES}};
    plan_spaced(plan, columns, 4);
    end_with_rest(plan);
    return GV_OK;
}

static gv_status plan_rlb(const gv_mapping *mapping, gv_plan *plan)
{
    (void)mapping;
    const known_column columns[] = {{0, GV_ROLE_CLICKS}, {1, GV_ROLE_PRICE}, {2, GV_ROLE_PCTR}};
    plan_spaced(plan, columns, 3);
    return GV_OK;
}

static gv_status plan_csv(const gv_mapping *mapping, gv_plan *plan)
{
    assert(mapping != NULL);
    *plan = *gv_mapping_plan(mapping);
    return GV_OK;
}

static const struct gv_reader_methods ipinyou_methods = {.plan = plan_ipinyou};
static const struct gv_reader_methods make_ipinyou_methods = {.plan = plan_make_ipinyou};
static const struct gv_reader_methods yzx_methods = {.plan = plan_yzx};
static const struct gv_reader_methods yzbx_methods = {.plan = plan_yzbx};
static const struct gv_reader_methods rlb_methods = {.plan = plan_rlb};
static const struct gv_reader_methods csv_methods = {.plan = plan_csv};

static const gv_reader_type ipinyou = {
    .info = {.name = "ipinyou",
             .summary =
                 "Raw iPinYou logs of seasons 2 and 3: 24 columns, imp*, clk* and conv* files.",
             .source = "Liao et al., iPinYou Global RTB Bidding Algorithm Competition Dataset, "
                       "ADKDD 2014"},
    .methods = &ipinyou_methods,
};

static const gv_reader_type make_ipinyou = {
    .info = {.name = "make-ipinyou",
             .summary = "Logs of make-ipinyou-data: click, weekday, hour and the raw columns.",
             .source = "Zhang et al., arXiv 1407.7073, section 3"},
    .methods = &make_ipinyou_methods,
};

static const gv_reader_type yzx = {
    .info = {.name = "yzx",
             .summary = "click price feature:1 ..., without times.",
             .source = "Zhang et al., arXiv 1407.7073, section 3"},
    .methods = &yzx_methods,
};

static const gv_reader_type yzbx = {
    .info = {.name = "yzbx",
             .summary = "click price bid feature:1 ..., without times.",
             .source = "Ren et al., Deep Landscape Forecasting, KDD 2019, its data format"},
    .methods = &yzbx_methods,
};

static const gv_reader_type rlb = {
    .info = {.name = "rlb",
             .summary = "click price pCTR, in log order without times.",
             .source = "Cai et al., Real-Time Bidding by Reinforcement Learning, WSDM 2017"},
    .methods = &rlb_methods,
};

static const gv_reader_type csv = {
    .info = {.name = "csv", .summary = "Any CSV or TSV, described by a mapping file (--mapping)."},
    .needs_mapping = true,
    .methods = &csv_methods,
};

const gv_reader_type *const gv_reader_types[] = {
    &ipinyou, &make_ipinyou, &yzx, &yzbx, &rlb, &csv, NULL,
};

const gv_reader_type *gv_reader_find(const char *name)
{
    const gv_reader_type *const *type = gv_reader_types;
    while (*type != NULL && strcmp((*type)->info.name, name) != 0) {
        type++;
    }
    return *type;
}
