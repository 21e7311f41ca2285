/*
 * mapping_reading_impl.h - what the parts that read a mapping file share: nodes, choices and
 * complaints.
 */
#ifndef SIM_LOG_MAPPING_READING_IMPL_H
#define SIM_LOG_MAPPING_READING_IMPL_H

#include <yaml.h>

#include "sim/log/mapping_impl.h"

enum {
    GV_MAPPING_ERRORS_SIZE = 960, /* of all sentences: a status holds little more */
    GV_MAPPING_EXPECTED_SIZE = 96,
};

struct gv_mapping {
    gv_plan plan;
    yaml_document_t document;
    bool has_document;
    char *path;
    char expected[GV_CHUNK_COLUMNS_MAX]
                 [GV_MAPPING_EXPECTED_SIZE]; /* of bindings that need their own */
};

/* One reading of a file. */
typedef struct gv_mapping_reading {
    gv_mapping *mapping;
    char errors[GV_MAPPING_ERRORS_SIZE];
    bool is_ordinal; /* time: none */
} gv_mapping_reading;

/* Adds "path:line:column: sentence" to what will be reported, while there is room. */
void gv_mapping_complain(gv_mapping_reading *to, const yaml_node_t *at, const char *format, ...)
    GV_PRINTF(3, 4);

/* The text of a scalar, or NULL after a complaint. */
const char *gv_mapping_text(gv_mapping_reading *to, const yaml_node_t *node);

/* The index in `names` of a scalar, or -1 after a complaint. */
int gv_mapping_choose(gv_mapping_reading *to, const yaml_node_t *node, const char *what,
                      const char *const *names, size_t count);

/* A map of few enough keys, else false after a complaint. */
bool gv_mapping_is_map(gv_mapping_reading *to, const yaml_node_t *node, const char *what);

size_t gv_mapping_pairs(const yaml_node_t *map);
yaml_node_t *gv_mapping_node(gv_mapping_reading *to, int index);

/* The key of pair `index` as text, checked to be there once; NULL after a complaint. */
const char *gv_mapping_key(gv_mapping_reading *to, const yaml_node_t *map, size_t index);
const yaml_node_t *gv_mapping_value(gv_mapping_reading *to, const yaml_node_t *map, size_t index);

/* A column by its name, or by its number from 1 where it is a bare number. */
void gv_mapping_place(gv_mapping_reading *to, const yaml_node_t *node, const char **header,
                      uint32_t *column);

bool gv_mapping_has_field(const gv_log_schema *schema, const char *name);

/* One pair of `columns`: becomes a field and a binding. */
void gv_mapping_column(gv_mapping_reading *to, const yaml_node_t *key, const yaml_node_t *node);

#endif
