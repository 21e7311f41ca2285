/* One column of a mapping file: its role or name, unit, time format. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/money.h"
#include "sim/log/mapping_reading_impl.h"
#include "sim/log/role_impl.h"

enum { NAME_MAX_SIZE = 64 };

/* What one column's entry says, until it becomes a binding. */
typedef struct entry {
    const yaml_node_t *role;
    const yaml_node_t *name;
    const yaml_node_t *kind;
    const yaml_node_t *unit;
    const yaml_node_t *format;
    const yaml_node_t *step;
    const yaml_node_t *start;
    const yaml_node_t *missing;
    const yaml_node_t *empty;
} entry;

/* The entry's keys, each once. A bare value is the role. */
static bool read_entry(gv_mapping_reading *to, const yaml_node_t *node, entry *out)
{
    static const char *const keys[] = {"role", "name",  "kind",    "unit", "format",
                                       "step", "start", "missing", "empty"};
    *out = (entry){0};
    if (node->type == YAML_SCALAR_NODE) {
        out->role = node;
        return true;
    }
    if (!gv_mapping_is_map(to, node, "a role or what to do with the column")) {
        return false;
    }
    const yaml_node_t **const slots[] = {&out->role,  &out->name,    &out->kind,
                                         &out->unit,  &out->format,  &out->step,
                                         &out->start, &out->missing, &out->empty};
    for (size_t i = 0; i < gv_mapping_pairs(node); i++) {
        const char *const key = gv_mapping_key(to, node, i);
        if (key == NULL) {
            continue;
        }
        const yaml_node_t *key_node = gv_mapping_node(to, node->data.mapping.pairs.start[i].key);
        const int found =
            gv_mapping_choose(to, key_node, "key", keys, sizeof keys / sizeof keys[0]);
        const yaml_node_t *value = gv_mapping_value(to, node, i);
        if (found >= 0 && gv_mapping_text(to, value) != NULL) {
            *slots[found] = value;
        }
    }
    if ((out->role == NULL) == (out->name == NULL)) {
        gv_mapping_complain(
            to, node, "expected either `role`, or `name` and `kind` for a column of your own");
        return false;
    }
    return true;
}

static const char *scalar(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* Roles that a column can have: all but `row`, which the log makes itself. */
static gv_log_role read_role(gv_mapping_reading *to, const yaml_node_t *node)
{
    const char *names[GV_ROLE_COUNT];
    gv_log_role roles[GV_ROLE_COUNT];
    size_t count = 0;
    for (int role = 0; role < GV_ROLE_COUNT; role++) {
        if (role != GV_ROLE_ROW) {
            names[count] = gv_log_role_name((gv_log_role)role);
            roles[count++] = (gv_log_role)role;
        }
    }
    const int found = gv_mapping_choose(to, node, "role", names, count);
    return found < 0 ? GV_ROLE_COUNT : roles[found];
}

/* "CPM", "currency", "nanos", or an amount such as "0.01 currency": what 1 counts. */
static void read_unit(gv_mapping_reading *to, const yaml_node_t *node, gv_binding *binding,
                      char *expected)
{
    const char *const text = scalar(node);
    char amount[64];
    const bool is_bare = strspn(text, "0123456789.") == 0;
    (void)snprintf(amount, sizeof amount, "%s%.60s", is_bare ? "1 " : "", text);
    int64_t nanos = 0;
    if (gv_money_parse(amount, GV_NANOS_PER_CPM, &nanos) != GV_OK || nanos == 0) {
        gv_mapping_complain(
            to, node,
            "'%.60s' is no unit of money: expected CPM, currency, nanos or an amount such as "
            "0.01 currency",
            text);
        return;
    }
    binding->scale = gv_scale_of(nanos);
    (void)snprintf(expected, GV_MAPPING_EXPECTED_SIZE, "an amount of money in %.32s, 0 or more",
                   text);
    binding->expected = expected;
}

/* Numbers since 1970 in s, ms or us; the fraction is kept to a microsecond. */
static void bind_epoch(gv_binding *binding, int32_t exponent, const char *expected)
{
    binding->form = GV_CELL_NUMBER;
    binding->scale = (gv_scale){1, exponent};
    binding->rounding = GV_ROUND_NEAREST;
    binding->minimum = GV_TIME_MIN_US;
    binding->maximum = GV_TIME_MAX_US;
    binding->expected = expected;
}

/* Steps of `step`, counted from `start`: how simulators number their ticks. */
static void bind_steps(gv_mapping_reading *to, const entry *said, gv_binding *binding)
{
    int64_t step_us = 0;
    int64_t start_us = 0;
    bind_epoch(binding, 0, "a number of steps");
    if (said->step == NULL) {
        gv_mapping_complain(to, said->format, "format steps needs `step`, such as 30 min");
    } else if (gv_duration_parse(scalar(said->step), &step_us) != GV_OK || step_us == 0) {
        gv_mapping_complain(to, said->step, "'%.60s' is no step: expected such as 30 min",
                            scalar(said->step));
    } else {
        binding->scale = gv_scale_of(step_us);
    }
    if (said->start != NULL &&
        gv_time_parse(scalar(said->start), to->mapping->plan.schema.zone_us, &start_us) != GV_OK) {
        gv_mapping_complain(to, said->start, "%s", gv_status_detail());
    }
    binding->offset = start_us;
}

static void read_time_format(gv_mapping_reading *to, const entry *said, gv_binding *binding,
                             char *expected)
{
    static const char *const names[] = {"iso",      "ipinyou",  "epoch_s",
                                        "epoch_ms", "epoch_us", "steps"};
    static const char *const epochs[] = {"a number of seconds since 1970",
                                         "a number of milliseconds since 1970",
                                         "a number of microseconds since 1970"};
    const char *const text = scalar(said->format);
    if (strchr(text, '%') != NULL) {
        const char *const complaint = gv_pattern_complaint(text);
        if (complaint != NULL) {
            gv_mapping_complain(to, said->format, "the pattern '%.60s' %s", text, complaint);
        }
        binding->form = GV_CELL_TIME_PATTERN;
        binding->pattern = text;
        (void)snprintf(expected, GV_MAPPING_EXPECTED_SIZE, "a time as %.60s", text);
        binding->expected = expected;
        return;
    }
    const int found = gv_mapping_choose(to, said->format, "time format", names, 6);
    if (found == 1) {
        binding->form = GV_CELL_TIME_DIGITS;
        binding->expected = "a time as yyyyMMddHHmmssSSS";
    } else if (found >= 2 && found <= 4) {
        bind_epoch(binding, 6 - 3 * (found - 2), epochs[found - 2]);
    } else if (found == 5) {
        bind_steps(to, said, binding);
    }
}

static void bind_role(gv_mapping_reading *to, const entry *said, gv_log_role role,
                      gv_binding *binding, char *expected)
{
    if (said->kind != NULL) {
        gv_mapping_complain(to, said->kind, "a role has its kind: leave `kind` out");
    }
    if (said->unit != NULL && gv_role_is_money(role)) {
        read_unit(to, said->unit, binding, expected);
    } else if (said->unit != NULL) {
        gv_mapping_complain(to, said->unit, "only money (bid, price, floor) has a unit");
    }
    if (said->format != NULL && role == GV_ROLE_TIME) {
        read_time_format(to, said, binding, expected);
    } else if (said->format != NULL) {
        gv_mapping_complain(to, said->format, "only time has a format");
    }
}

/* A column of the mapping's own: its name must be no role's, so that nothing mistakes it. */
static bool bind_own(gv_mapping_reading *to, const entry *said, gv_binding *binding,
                     gv_log_field *field)
{
    static const char *const kinds[] = {"real", "code", "integer", "text"};
    static const gv_log_kind values[] = {GV_LOG_REAL, GV_LOG_CODE, GV_LOG_INTEGER, GV_LOG_TEXT};
    const char *const name = scalar(said->name);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) || *name == '\0' ||
        strlen(name) >= NAME_MAX_SIZE) {
        gv_mapping_complain(to, said->name, "'%.60s' is no name: expected lower case, digits and _",
                            name);
        return false;
    }
    for (int role = 0; role < GV_ROLE_COUNT; role++) {
        if (strcmp(gv_log_role_name((gv_log_role)role), name) == 0) {
            gv_mapping_complain(to, said->name, "'%s' is a role: say `role: %s`", name, name);
            return false;
        }
    }
    const int kind = said->kind == NULL ? 1 : gv_mapping_choose(to, said->kind, "kind", kinds, 4);
    if (kind < 0) {
        return false;
    }
    if (said->unit != NULL || said->format != NULL) {
        gv_mapping_complain(to, said->unit != NULL ? said->unit : said->format,
                            "only roles have a unit or a format");
    }
    *field = (gv_log_field){name, values[kind]};
    *binding = gv_kind_binding(values[kind]);
    return true;
}

/* What an empty cell stands for must itself be readable. */
static void check_empty(gv_mapping_reading *to, const entry *said, const gv_binding *binding)
{
    const gv_span text = {scalar(said->empty), strlen(scalar(said->empty))};
    const char *const complaint =
        gv_cell_complaint(binding, text, to->mapping->plan.schema.zone_us);
    if (complaint != NULL) {
        gv_mapping_complain(to, said->empty, "expected %s, found '%.60s', which %s",
                            binding->expected, scalar(said->empty), complaint);
    }
}

void gv_mapping_column(gv_mapping_reading *to, const yaml_node_t *key, const yaml_node_t *node)
{
    gv_plan *plan = &to->mapping->plan;
    const size_t number = plan->binding_count;
    assert(number < GV_CHUNK_COLUMNS_MAX);
    char *expected = to->mapping->expected[number];
    gv_binding binding = {0};
    gv_log_field field = {0};
    entry said;
    if (!read_entry(to, node, &said)) {
        return;
    }
    if (said.role != NULL) {
        const gv_log_role role = read_role(to, said.role);
        if (role == GV_ROLE_COUNT) {
            return;
        }
        field = (gv_log_field){gv_log_role_name(role), gv_log_role_kind(role)};
        binding = gv_role_binding(role);
        bind_role(to, &said, role, &binding, expected);
    } else if (!bind_own(to, &said, &binding, &field)) {
        return;
    }
    if (gv_mapping_has_field(&plan->schema, field.name)) {
        gv_mapping_complain(to, node, "two columns are '%s'", field.name);
        return;
    }
    binding.missing = said.missing == NULL ? NULL : scalar(said.missing);
    if (said.empty != NULL) {
        check_empty(to, &said, &binding);
        binding.empty = scalar(said.empty);
    }
    binding.origin = (uint64_t)(key->start_mark.line + 1) << 32 | (key->start_mark.column + 1);
    gv_mapping_place(to, key, &binding.header, &binding.column);
    binding.field = (uint32_t)plan->schema.field_count;
    plan->schema.fields[plan->schema.field_count++] = field;
    plan->bindings[plan->binding_count++] = binding;
}
