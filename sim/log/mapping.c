/*
 * A mapping file, top to bottom:
 *
 *   delimiter: tab            # comma (default), tab, space, semicolon, pipe or one character
 *   quoting: none             # quoted (default): by RFC 4180; none: quotes are bytes like others
 *   header: yes               # yes (default): the first row names the columns; no
 *   zone: UTC+8               # of times that name none; default UTC
 *   time: none                # instead of a time column: rows keep their order
 *   rows: impression          # or click, conversion; file_name: by imp*, clk*, conv*; or
 *                             # {column: logtype, impression: 1, click: 2, conversion: 3}
 *   columns:                  # column: role, or column: {role: ..., ...}; a number counts from 1
 *     when: {role: time, format: "%d/%m/%Y %H:%M:%S"}
 *     price: {role: price, unit: CPM}
 *     click: clicks
 *     item_id: {name: item, kind: code}
 *
 * Everything wrong in it is reported at once. The YAML document lives on in the mapping, whose
 * texts point into it.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "sim/base/clock.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/param.h"
#include "sim/log/mapping_impl.h"
#include "sim/log/role_impl.h"

enum {
    FILE_MAX = 1 << 20,
    KEYS_MAX = GV_CHUNK_COLUMNS_MAX, /* of any one map in the file */
    ERRORS_SIZE = 960,               /* of all sentences: a status holds little more */
    EXPECTED_SIZE = 96,
    NAME_MAX_SIZE = 64,
};

struct gv_mapping {
    gv_plan plan;
    yaml_document_t document;
    bool has_document;
    char *path;
    char expected[GV_CHUNK_COLUMNS_MAX][EXPECTED_SIZE]; /* of bindings that need their own */
};

/* One reading of a file. */
typedef struct reading {
    gv_mapping *mapping;
    char errors[ERRORS_SIZE];
    bool is_ordinal; /* time: none */
} reading;

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

static void complain(reading *to, const yaml_node_t *at, const char *format, ...) GV_PRINTF(3, 4);

/* Adds "path:line:column: sentence" to what will be reported, while there is room. */
static void complain(reading *to, const yaml_node_t *at, const char *format, ...)
{
    char sentence[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    const size_t used = strlen(to->errors);
    (void)snprintf(to->errors + used, sizeof to->errors - used, "%s%s:%zu:%zu: %s",
                   used == 0 ? "" : "\n", to->mapping->path,
                   at == NULL ? (size_t)1 : at->start_mark.line + 1,
                   at == NULL ? (size_t)1 : at->start_mark.column + 1, sentence);
}

/* "; did you mean 'x'?" behind a name that is unknown; else the list of all. */
static void complain_unknown(reading *to, const yaml_node_t *at, const char *what,
                             const char *found, const char *const *names, size_t count)
{
    const char *const nearest = gv_param_nearest(names, count, found);
    if (nearest != NULL) {
        complain(to, at, "there is no %s '%.60s': did you mean '%s'?", what, found, nearest);
        return;
    }
    char list[300] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    complain(to, at, "there is no %s '%.60s': expected one of %s", what, found, list);
}

/* The text of a scalar, or NULL after a complaint. */
static const char *text_of(reading *to, const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) {
        complain(to, node, "expected a single value, found a %s",
                 node->type == YAML_MAPPING_NODE ? "map" : "list");
        return NULL;
    }
    const char *const text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        complain(to, node, "expected text, found a NUL byte");
        return NULL;
    }
    return text;
}

/* The index in `names` of a scalar, or -1 after a complaint. */
static int choose(reading *to, const yaml_node_t *node, const char *what, const char *const *names,
                  size_t count)
{
    const char *const text = text_of(to, node);
    if (text == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return (int)i;
        }
    }
    complain_unknown(to, node, what, text, names, count);
    return -1;
}

static yaml_node_t *node_at(reading *to, int index)
{
    yaml_node_t *node = yaml_document_get_node(&to->mapping->document, index);
    assert(node != NULL);
    return node;
}

static size_t pair_count(const yaml_node_t *map)
{
    return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static bool is_repeated(reading *to, const yaml_node_t *map, size_t index, const char *key)
{
    for (size_t i = 0; i < index; i++) {
        const yaml_node_t *other = node_at(to, map->data.mapping.pairs.start[i].key);
        if (other->type == YAML_SCALAR_NODE &&
            strcmp((const char *)other->data.scalar.value, key) == 0) {
            return true;
        }
    }
    return false;
}

/* The key of pair `index` as text, checked to be there once; NULL after a complaint. */
static const char *key_at(reading *to, const yaml_node_t *map, size_t index)
{
    const yaml_node_t *node = node_at(to, map->data.mapping.pairs.start[index].key);
    const char *const key = text_of(to, node);
    if (key != NULL && is_repeated(to, map, index, key)) {
        complain(to, node, "'%.60s' is given twice", key);
        return NULL;
    }
    return key;
}

static const yaml_node_t *value_at(reading *to, const yaml_node_t *map, size_t index)
{
    return node_at(to, map->data.mapping.pairs.start[index].value);
}

/* A map of few enough keys, else false after a complaint. */
static bool is_map(reading *to, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_MAPPING_NODE) {
        complain(to, node, "expected %s, a map of `key: value`", what);
        return false;
    }
    if (pair_count(node) > KEYS_MAX) {
        complain(to, node, "%zu keys are more than the %d that can be used", pair_count(node),
                 KEYS_MAX);
        return false;
    }
    return true;
}

static void read_delimiter(reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"comma", "tab", "space", "semicolon", "pipe"};
    static const char delimiters[] = {',', '\t', ' ', ';', '|'};
    const char *const text = text_of(to, node);
    if (text == NULL) {
        return;
    }
    if (strlen(text) == 1 && strchr("\"\r\n", text[0]) == NULL) {
        to->mapping->plan.delimiter = text[0];
        return;
    }
    const int found = choose(to, node, "delimiter", names, 5);
    if (found >= 0) {
        to->mapping->plan.delimiter = delimiters[found];
    }
}

static void read_quoting(reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"none", "quoted"};
    const int found = choose(to, node, "quoting", names, 2);
    to->mapping->plan.is_quoted = found != 0;
}

static void read_header(reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"no", "yes", "false", "true"};
    const int found = choose(to, node, "choice", names, 4);
    to->mapping->plan.header = found % 2 == 0 ? GV_HEADER_NONE : GV_HEADER_ALWAYS;
}

static void read_zone(reading *to, const yaml_node_t *node)
{
    const char *const text = text_of(to, node);
    if (text != NULL && gv_zone_parse(text, &to->mapping->plan.schema.zone_us) != GV_OK) {
        complain(to, node, "%s", gv_status_detail());
    }
}

static void read_time(reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"none"};
    to->is_ordinal = choose(to, node, "time", names, 1) == 0;
}

/* A column by its name, or by its number from 1 where it is a bare number. */
static void read_place(reading *to, const yaml_node_t *node, const char **header, uint32_t *column)
{
    enum { COLUMNS_MAX = 100000 };
    const char *const text = text_of(to, node);
    if (text == NULL) {
        return;
    }
    const bool is_bare = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    int64_t number = 0;
    const char *const complaint =
        gv_number_scaled(text, strlen(text), (gv_scale){1, 0}, GV_ROUND_NEVER, &number);
    *header = NULL;
    if (is_bare && complaint == NULL) {
        if (number < 1 || number > COLUMNS_MAX) {
            complain(to, node, "a column's number is from 1 to %d, found %s", COLUMNS_MAX, text);
        }
        *column = (uint32_t)(number - 1);
    } else if (to->mapping->plan.header == GV_HEADER_NONE) {
        complain(to, node,
                 "column '%.60s' is a name, but the files have no header: give its "
                 "number, from 1",
                 text);
    } else {
        *header = text;
    }
}

/* {column: logtype, impression: 1, click: 2, conversion: 3} */
static void read_rows_by_column(reading *to, const yaml_node_t *node)
{
    static const char *const keys[] = {"impression", "click", "conversion", "column"};
    gv_table_rule *rule = &to->mapping->plan.table;
    if (!is_map(to, node, "rows")) {
        return;
    }
    for (size_t i = 0; i < pair_count(node); i++) {
        const char *const key = key_at(to, node, i);
        const yaml_node_t *value = value_at(to, node, i);
        if (key == NULL) {
            continue;
        }
        const int found =
            choose(to, node_at(to, node->data.mapping.pairs.start[i].key), "key", keys, 4);
        if (found == 3) {
            rule->by_column = true;
            rule->origin =
                (uint64_t)(value->start_mark.line + 1) << 32 | (value->start_mark.column + 1);
            read_place(to, value, &rule->header, &rule->column);
        } else if (found >= 0) {
            rule->words[found] = text_of(to, value);
        }
    }
    if (!rule->by_column) {
        complain(to, node, "expected `column`, that which tells what a row is");
    }
}

static void read_rows(reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"impression", "click", "conversion", "file_name"};
    if (node->type == YAML_MAPPING_NODE) {
        read_rows_by_column(to, node);
        return;
    }
    const int found = choose(to, node, "table", names, 4);
    if (found == 3) {
        to->mapping->plan.table.by_file_name = true;
    } else if (found >= 0) {
        to->mapping->plan.table.table = (gv_log_table)(GV_LOG_IMPRESSION + found);
    }
}

/* The entry's keys, each once. A bare value is the role. */
static bool read_entry(reading *to, const yaml_node_t *node, entry *out)
{
    static const char *const keys[] = {"role", "name",  "kind",    "unit", "format",
                                       "step", "start", "missing", "empty"};
    *out = (entry){0};
    if (node->type == YAML_SCALAR_NODE) {
        out->role = node;
        return true;
    }
    if (!is_map(to, node, "a role or what to do with the column")) {
        return false;
    }
    const yaml_node_t **const slots[] = {&out->role,  &out->name,    &out->kind,
                                         &out->unit,  &out->format,  &out->step,
                                         &out->start, &out->missing, &out->empty};
    for (size_t i = 0; i < pair_count(node); i++) {
        const char *const key = key_at(to, node, i);
        if (key == NULL) {
            continue;
        }
        const yaml_node_t *key_node = node_at(to, node->data.mapping.pairs.start[i].key);
        const int found = choose(to, key_node, "key", keys, sizeof keys / sizeof keys[0]);
        const yaml_node_t *value = value_at(to, node, i);
        if (found >= 0 && text_of(to, value) != NULL) {
            *slots[found] = value;
        }
    }
    if ((out->role == NULL) == (out->name == NULL)) {
        complain(to, node, "expected either `role`, or `name` and `kind` for a column of your own");
        return false;
    }
    return true;
}

static const char *scalar(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* Roles that a column can have: all but `row`, which the log makes itself. */
static gv_log_role read_role(reading *to, const yaml_node_t *node)
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
    const int found = choose(to, node, "role", names, count);
    return found < 0 ? GV_ROLE_COUNT : roles[found];
}

/* "CPM", "currency", "nanos", or an amount such as "0.01 currency": what 1 counts. */
static void read_unit(reading *to, const yaml_node_t *node, gv_binding *binding, char *expected)
{
    const char *const text = scalar(node);
    char amount[64];
    const bool is_bare = strspn(text, "0123456789.") == 0;
    (void)snprintf(amount, sizeof amount, "%s%.60s", is_bare ? "1 " : "", text);
    int64_t nanos = 0;
    if (gv_money_parse(amount, GV_NANOS_PER_CPM, &nanos) != GV_OK || nanos == 0) {
        complain(to, node,
                 "'%.60s' is no unit of money: expected CPM, currency, nanos or an amount such as "
                 "0.01 currency",
                 text);
        return;
    }
    binding->scale = gv_scale_of(nanos);
    (void)snprintf(expected, EXPECTED_SIZE, "an amount of money in %.32s, 0 or more", text);
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
static void bind_steps(reading *to, const entry *said, gv_binding *binding)
{
    int64_t step_us = 0;
    int64_t start_us = 0;
    bind_epoch(binding, 0, "a number of steps");
    if (said->step == NULL) {
        complain(to, said->format, "format steps needs `step`, such as 30 min");
    } else if (gv_duration_parse(scalar(said->step), &step_us) != GV_OK || step_us == 0) {
        complain(to, said->step, "'%.60s' is no step: expected such as 30 min", scalar(said->step));
    } else {
        binding->scale = gv_scale_of(step_us);
    }
    if (said->start != NULL &&
        gv_time_parse(scalar(said->start), to->mapping->plan.schema.zone_us, &start_us) != GV_OK) {
        complain(to, said->start, "%s", gv_status_detail());
    }
    binding->offset = start_us;
}

static void read_time_format(reading *to, const entry *said, gv_binding *binding, char *expected)
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
            complain(to, said->format, "the pattern '%.60s' %s", text, complaint);
        }
        binding->form = GV_CELL_TIME_PATTERN;
        binding->pattern = text;
        (void)snprintf(expected, EXPECTED_SIZE, "a time as %.60s", text);
        binding->expected = expected;
        return;
    }
    const int found = choose(to, said->format, "time format", names, 6);
    if (found == 1) {
        binding->form = GV_CELL_TIME_DIGITS;
        binding->expected = "a time as yyyyMMddHHmmssSSS";
    } else if (found >= 2 && found <= 4) {
        bind_epoch(binding, 6 - 3 * (found - 2), epochs[found - 2]);
    } else if (found == 5) {
        bind_steps(to, said, binding);
    }
}

static void bind_role(reading *to, const entry *said, gv_log_role role, gv_binding *binding,
                      char *expected)
{
    if (said->kind != NULL) {
        complain(to, said->kind, "a role has its kind: leave `kind` out");
    }
    if (said->unit != NULL && gv_role_is_money(role)) {
        read_unit(to, said->unit, binding, expected);
    } else if (said->unit != NULL) {
        complain(to, said->unit, "only money (bid, price, floor) has a unit");
    }
    if (said->format != NULL && role == GV_ROLE_TIME) {
        read_time_format(to, said, binding, expected);
    } else if (said->format != NULL) {
        complain(to, said->format, "only time has a format");
    }
}

/* A column of the mapping's own: its name must be no role's, so that nothing mistakes it. */
static bool bind_own(reading *to, const entry *said, gv_binding *binding, gv_log_field *field)
{
    static const char *const kinds[] = {"real", "code", "integer", "text"};
    static const gv_log_kind values[] = {GV_LOG_REAL, GV_LOG_CODE, GV_LOG_INTEGER, GV_LOG_TEXT};
    const char *const name = scalar(said->name);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) || *name == '\0' ||
        strlen(name) >= NAME_MAX_SIZE) {
        complain(to, said->name, "'%.60s' is no name: expected lower case, digits and _", name);
        return false;
    }
    for (int role = 0; role < GV_ROLE_COUNT; role++) {
        if (strcmp(gv_log_role_name((gv_log_role)role), name) == 0) {
            complain(to, said->name, "'%s' is a role: say `role: %s`", name, name);
            return false;
        }
    }
    const int kind = said->kind == NULL ? 1 : choose(to, said->kind, "kind", kinds, 4);
    if (kind < 0) {
        return false;
    }
    if (said->unit != NULL || said->format != NULL) {
        complain(to, said->unit != NULL ? said->unit : said->format,
                 "only roles have a unit or a format");
    }
    *field = (gv_log_field){name, values[kind]};
    *binding = gv_kind_binding(values[kind]);
    return true;
}

/* What an empty cell stands for must itself be readable. */
static void check_empty(reading *to, const entry *said, const gv_binding *binding)
{
    const gv_span text = {scalar(said->empty), strlen(scalar(said->empty))};
    const char *const complaint =
        gv_cell_complaint(binding, text, to->mapping->plan.schema.zone_us);
    if (complaint != NULL) {
        complain(to, said->empty, "expected %s, found '%.60s', which %s", binding->expected,
                 scalar(said->empty), complaint);
    }
}

static bool has_field(const gv_log_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void read_column(reading *to, const yaml_node_t *key, const yaml_node_t *node)
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
    if (has_field(&plan->schema, field.name)) {
        complain(to, node, "two columns are '%s'", field.name);
        return;
    }
    binding.missing = said.missing == NULL ? NULL : scalar(said.missing);
    if (said.empty != NULL) {
        check_empty(to, &said, &binding);
        binding.empty = scalar(said.empty);
    }
    binding.origin = (uint64_t)(key->start_mark.line + 1) << 32 | (key->start_mark.column + 1);
    read_place(to, key, &binding.header, &binding.column);
    binding.field = (uint32_t)plan->schema.field_count;
    plan->schema.fields[plan->schema.field_count++] = field;
    plan->bindings[plan->binding_count++] = binding;
}

static void read_columns(reading *to, const yaml_node_t *node)
{
    if (!is_map(to, node, "columns")) {
        return;
    }
    for (size_t i = 0; i < pair_count(node); i++) {
        if (key_at(to, node, i) != NULL) {
            read_column(to, node_at(to, node->data.mapping.pairs.start[i].key),
                        value_at(to, node, i));
        }
    }
}

/* In this order they are read, whatever the file's: columns need what stands before them. */
static const struct setting {
    const char *name;
    void (*read)(reading *to, const yaml_node_t *node);
} settings[] = {
    {"delimiter", read_delimiter}, {"quoting", read_quoting}, {"header", read_header},
    {"zone", read_zone},           {"time", read_time},       {"rows", read_rows},
    {"columns", read_columns},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void read_settings(reading *to, const yaml_node_t *root)
{
    const char *names[SETTINGS];
    const yaml_node_t *values[SETTINGS] = {NULL};
    for (size_t i = 0; i < SETTINGS; i++) {
        names[i] = settings[i].name;
    }
    for (size_t i = 0; i < pair_count(root); i++) {
        if (key_at(to, root, i) == NULL) {
            continue;
        }
        const int found =
            choose(to, node_at(to, root->data.mapping.pairs.start[i].key), "key", names, SETTINGS);
        if (found >= 0) {
            values[found] = value_at(to, root, i);
        }
    }
    for (size_t i = 0; i < SETTINGS; i++) {
        if (values[i] != NULL) {
            settings[i].read(to, values[i]);
        }
    }
    if (values[SETTINGS - 1] == NULL) {
        complain(to, root, "expected `columns`, which says what each column is");
    } else if (!to->is_ordinal && !has_field(&to->mapping->plan.schema, "time")) {
        complain(to, values[SETTINGS - 1],
                 "no column has the role time: name one, or say `time: none` above");
    } else if (to->is_ordinal && has_field(&to->mapping->plan.schema, "time")) {
        complain(to, values[SETTINGS - 1], "a column has the role time, but above is `time: none`");
    }
}

/* libyaml gives a reader error (bad UTF-8) only an offset: the line is counted. */
static gv_status fail_syntax(const gv_mapping *mapping, const yaml_parser_t *parser,
                             const char *text, size_t size)
{
    size_t line = parser->problem_mark.line + 1;
    size_t column = parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR) {
        line = 1;
        column = 1;
        for (size_t i = 0; i < parser->problem_offset && i < size; i++) {
            column = text[i] == '\n' ? 1 : column + 1;
            line += text[i] == '\n';
        }
    }
    if (parser->error == YAML_MEMORY_ERROR) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", mapping->path);
    }
    return GV_FAIL(GV_EUSAGE, "%s:%zu:%zu: is no YAML: %s", mapping->path, line, column,
                   parser->problem != NULL ? parser->problem : "it cannot be read");
}

static gv_status load_document(gv_mapping *mapping, const char *text, size_t size)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", mapping->path);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    gv_status status = GV_OK;
    mapping->has_document = yaml_parser_load(&parser, &mapping->document) != 0;
    if (!mapping->has_document) {
        status = fail_syntax(mapping, &parser, text, size);
    }
    yaml_parser_delete(&parser);
    return status;
}

static gv_status read_mapping(gv_mapping *mapping)
{
    reading to = {.mapping = mapping};
    mapping->plan = (gv_plan){.delimiter = ',',
                              .is_quoted = true,
                              .header = GV_HEADER_ALWAYS,
                              .table = {.table = GV_LOG_IMPRESSION},
                              .mapping_path = mapping->path};
    const yaml_node_t *root = yaml_document_get_root_node(&mapping->document);
    if (root == NULL) {
        return GV_FAIL(GV_EUSAGE, "%s: is empty: expected `columns` and the rest of a mapping",
                       mapping->path);
    }
    if (is_map(&to, root, "a mapping")) {
        read_settings(&to, root);
    }
    return to.errors[0] == '\0' ? GV_OK : GV_FAIL(GV_EUSAGE, "%s", to.errors);
}

gv_status gv_mapping_parse(const char *path, const char *text, size_t size, gv_mapping **out)
{
    gv_mapping *mapping = gv_mem_alloc(sizeof *mapping, 0, 0);
    if (mapping == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
    }
    gv_status status = GV_OK;
    mapping->path = gv_mem_copy_text(path);
    if (mapping->path == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
        goto fail;
    }
    GV_TRY_GOTO(status, load_document(mapping, text, size), fail);
    GV_TRY_GOTO(status, read_mapping(mapping), fail);
    *out = mapping;
    return GV_OK;
fail:
    gv_mapping_destroy(mapping);
    return status;
}

gv_status gv_mapping_load(const char *path, gv_mapping **out)
{
    char *text = NULL;
    size_t size = 0;
    GV_TRY(gv_file_read_text(path, FILE_MAX, &text, &size));
    const gv_status status = gv_mapping_parse(path, text, size, out);
    gv_mem_free(text);
    return status;
}

void gv_mapping_destroy(gv_mapping *mapping)
{
    if (mapping != NULL) {
        if (mapping->has_document) {
            yaml_document_delete(&mapping->document);
        }
        gv_mem_free(mapping->path);
        gv_mem_free(mapping);
    }
}

const gv_plan *gv_mapping_plan(const gv_mapping *mapping)
{
    return &mapping->plan;
}
