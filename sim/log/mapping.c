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

#include "sim/base/clock.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "sim/log/mapping_impl.h"
#include "sim/log/mapping_reading_impl.h"

enum {
    FILE_MAX = 1 << 20,
    KEYS_MAX = GV_CHUNK_COLUMNS_MAX, /* of any one map in the file */
};

/* Adds "path:line:column: sentence" to what will be reported, while there is room. */
void gv_mapping_complain(gv_mapping_reading *to, const yaml_node_t *at, const char *format, ...)
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
static void complain_unknown(gv_mapping_reading *to, const yaml_node_t *at, const char *what,
                             const char *found, const char *const *names, size_t count)
{
    const char *const nearest = gv_param_nearest(names, count, found);
    if (nearest != NULL) {
        gv_mapping_complain(to, at, "there is no %s '%.60s': did you mean '%s'?", what, found,
                            nearest);
        return;
    }
    char list[300] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    gv_mapping_complain(to, at, "there is no %s '%.60s': expected one of %s", what, found, list);
}

/* The text of a scalar, or NULL after a complaint. */
const char *gv_mapping_text(gv_mapping_reading *to, const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) {
        gv_mapping_complain(to, node, "expected a single value, found a %s",
                            node->type == YAML_MAPPING_NODE ? "map" : "list");
        return NULL;
    }
    const char *const text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        gv_mapping_complain(to, node, "expected text, found a NUL byte");
        return NULL;
    }
    return text;
}

/* The index in `names` of a scalar, or -1 after a complaint. */
int gv_mapping_choose(gv_mapping_reading *to, const yaml_node_t *node, const char *what,
                      const char *const *names, size_t count)
{
    const char *const text = gv_mapping_text(to, node);
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

yaml_node_t *gv_mapping_node(gv_mapping_reading *to, int index)
{
    yaml_node_t *node = yaml_document_get_node(&to->mapping->document, index);
    assert(node != NULL);
    return node;
}

size_t gv_mapping_pairs(const yaml_node_t *map)
{
    return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static bool is_repeated(gv_mapping_reading *to, const yaml_node_t *map, size_t index,
                        const char *key)
{
    for (size_t i = 0; i < index; i++) {
        const yaml_node_t *other = gv_mapping_node(to, map->data.mapping.pairs.start[i].key);
        if (other->type == YAML_SCALAR_NODE &&
            strcmp((const char *)other->data.scalar.value, key) == 0) {
            return true;
        }
    }
    return false;
}

/* The key of pair `index` as text, checked to be there once; NULL after a complaint. */
const char *gv_mapping_key(gv_mapping_reading *to, const yaml_node_t *map, size_t index)
{
    const yaml_node_t *node = gv_mapping_node(to, map->data.mapping.pairs.start[index].key);
    const char *const key = gv_mapping_text(to, node);
    if (key != NULL && is_repeated(to, map, index, key)) {
        gv_mapping_complain(to, node, "'%.60s' is given twice", key);
        return NULL;
    }
    return key;
}

const yaml_node_t *gv_mapping_value(gv_mapping_reading *to, const yaml_node_t *map, size_t index)
{
    return gv_mapping_node(to, map->data.mapping.pairs.start[index].value);
}

/* A map of few enough keys, else false after a complaint. */
bool gv_mapping_is_map(gv_mapping_reading *to, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_MAPPING_NODE) {
        gv_mapping_complain(to, node, "expected %s, a map of `key: value`", what);
        return false;
    }
    if (gv_mapping_pairs(node) > KEYS_MAX) {
        gv_mapping_complain(to, node, "%zu keys are more than the %d that can be used",
                            gv_mapping_pairs(node), KEYS_MAX);
        return false;
    }
    return true;
}

static void read_delimiter(gv_mapping_reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"comma", "tab", "space", "semicolon", "pipe"};
    static const char delimiters[] = {',', '\t', ' ', ';', '|'};
    const char *const text = gv_mapping_text(to, node);
    if (text == NULL) {
        return;
    }
    if (strlen(text) == 1 && strchr("\"\r\n", text[0]) == NULL) {
        to->mapping->plan.delimiter = text[0];
        return;
    }
    const int found = gv_mapping_choose(to, node, "delimiter", names, 5);
    if (found >= 0) {
        to->mapping->plan.delimiter = delimiters[found];
    }
}

static void read_quoting(gv_mapping_reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"none", "quoted"};
    const int found = gv_mapping_choose(to, node, "quoting", names, 2);
    to->mapping->plan.is_quoted = found != 0;
}

static void read_header(gv_mapping_reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"no", "yes", "false", "true"};
    const int found = gv_mapping_choose(to, node, "choice", names, 4);
    to->mapping->plan.header = found % 2 == 0 ? GV_HEADER_NONE : GV_HEADER_ALWAYS;
}

static void read_zone(gv_mapping_reading *to, const yaml_node_t *node)
{
    const char *const text = gv_mapping_text(to, node);
    if (text != NULL && gv_zone_parse(text, &to->mapping->plan.schema.zone_us) != GV_OK) {
        gv_mapping_complain(to, node, "%s", gv_status_detail());
    }
}

static void read_time(gv_mapping_reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"none"};
    to->is_ordinal = gv_mapping_choose(to, node, "time", names, 1) == 0;
}

/* A column by its name, or by its number from 1 where it is a bare number. */
void gv_mapping_place(gv_mapping_reading *to, const yaml_node_t *node, const char **header,
                      uint32_t *column)
{
    enum { COLUMNS_MAX = 100000 };
    const char *const text = gv_mapping_text(to, node);
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
            gv_mapping_complain(to, node, "a column's number is from 1 to %d, found %s",
                                COLUMNS_MAX, text);
        }
        *column = (uint32_t)(number - 1);
    } else if (to->mapping->plan.header == GV_HEADER_NONE) {
        gv_mapping_complain(to, node,
                            "column '%.60s' is a name, but the files have no header: give its "
                            "number, from 1",
                            text);
    } else {
        *header = text;
    }
}

/* {column: logtype, impression: 1, click: 2, conversion: 3} */
static void read_rows_by_column(gv_mapping_reading *to, const yaml_node_t *node)
{
    static const char *const keys[] = {"impression", "click", "conversion", "column"};
    gv_table_rule *rule = &to->mapping->plan.table;
    if (!gv_mapping_is_map(to, node, "rows")) {
        return;
    }
    for (size_t i = 0; i < gv_mapping_pairs(node); i++) {
        const char *const key = gv_mapping_key(to, node, i);
        const yaml_node_t *value = gv_mapping_value(to, node, i);
        if (key == NULL) {
            continue;
        }
        const int found = gv_mapping_choose(
            to, gv_mapping_node(to, node->data.mapping.pairs.start[i].key), "key", keys, 4);
        if (found == 3) {
            rule->by_column = true;
            rule->origin =
                (uint64_t)(value->start_mark.line + 1) << 32 | (value->start_mark.column + 1);
            gv_mapping_place(to, value, &rule->header, &rule->column);
        } else if (found >= 0) {
            rule->words[found] = gv_mapping_text(to, value);
        }
    }
    if (!rule->by_column) {
        gv_mapping_complain(to, node, "expected `column`, that which tells what a row is");
    }
}

static void read_rows(gv_mapping_reading *to, const yaml_node_t *node)
{
    static const char *const names[] = {"impression", "click", "conversion", "file_name"};
    if (node->type == YAML_MAPPING_NODE) {
        read_rows_by_column(to, node);
        return;
    }
    const int found = gv_mapping_choose(to, node, "table", names, 4);
    if (found == 3) {
        to->mapping->plan.table.by_file_name = true;
    } else if (found >= 0) {
        to->mapping->plan.table.table = (gv_log_table)(GV_LOG_IMPRESSION + found);
    }
}

bool gv_mapping_has_field(const gv_log_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void read_columns(gv_mapping_reading *to, const yaml_node_t *node)
{
    if (!gv_mapping_is_map(to, node, "columns")) {
        return;
    }
    for (size_t i = 0; i < gv_mapping_pairs(node); i++) {
        if (gv_mapping_key(to, node, i) != NULL) {
            gv_mapping_column(to, gv_mapping_node(to, node->data.mapping.pairs.start[i].key),
                              gv_mapping_value(to, node, i));
        }
    }
}

/* In this order they are read, whatever the file's: columns need what stands before them. */
static const struct setting {
    const char *name;
    void (*read)(gv_mapping_reading *to, const yaml_node_t *node);
} settings[] = {
    {"delimiter", read_delimiter}, {"quoting", read_quoting}, {"header", read_header},
    {"zone", read_zone},           {"time", read_time},       {"rows", read_rows},
    {"columns", read_columns},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void read_settings(gv_mapping_reading *to, const yaml_node_t *root)
{
    const char *names[SETTINGS];
    const yaml_node_t *values[SETTINGS] = {NULL};
    for (size_t i = 0; i < SETTINGS; i++) {
        names[i] = settings[i].name;
    }
    for (size_t i = 0; i < gv_mapping_pairs(root); i++) {
        if (gv_mapping_key(to, root, i) == NULL) {
            continue;
        }
        const int found = gv_mapping_choose(
            to, gv_mapping_node(to, root->data.mapping.pairs.start[i].key), "key", names, SETTINGS);
        if (found >= 0) {
            values[found] = gv_mapping_value(to, root, i);
        }
    }
    for (size_t i = 0; i < SETTINGS; i++) {
        if (values[i] != NULL) {
            settings[i].read(to, values[i]);
        }
    }
    if (values[SETTINGS - 1] == NULL) {
        gv_mapping_complain(to, root, "expected `columns`, which says what each column is");
    } else if (!to->is_ordinal && !gv_mapping_has_field(&to->mapping->plan.schema, "time")) {
        gv_mapping_complain(to, values[SETTINGS - 1],
                            "no column has the role time: name one, or say `time: none` above");
    } else if (to->is_ordinal && gv_mapping_has_field(&to->mapping->plan.schema, "time")) {
        gv_mapping_complain(to, values[SETTINGS - 1],
                            "a column has the role time, but above is `time: none`");
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
    gv_mapping_reading to = {.mapping = mapping};
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
    if (gv_mapping_is_map(&to, root, "a mapping")) {
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
