/*
 * section.h - one mapping of a scenario, typed by a parameter table.
 *
 * A section is a table, the struct that it fills and, for each row, where its value came from
 * and was written: so later complaints ("the campaign ends before it starts") point at the
 * line, and --print-config, the stored parameters and the identity of a run are one walk.
 */
#ifndef SCENARIOS_CONFIG_SECTION_H
#define SCENARIOS_CONFIG_SECTION_H

#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/problem.h"
#include "scenarios/config/tree.h"
#include "sim/base/param.h"

typedef enum gv_origin {
    GV_FROM_DEFAULT,
    GV_FROM_SCENARIO,
    GV_FROM_OPTION, /* --set */
    GV_FROM_FIT,
} gv_origin;

/* "default", "scenario", "--set", "fitted". */
const char *gv_origin_name(gv_origin origin);

/* Where one value came from. */
typedef struct gv_setting {
    gv_origin origin;
    gv_mark mark; /* source NULL: a default */
} gv_setting;

/* A value that no table row holds: a name, a type, a list of budgets, a mapping of filters. */
typedef struct gv_extra {
    const char *key;
    const char *text; /* as YAML, in flow form */
    gv_setting setting;
} gv_extra;

enum { GV_EXTRAS_MAX = 8 };

typedef struct gv_section {
    const char *path;       /* "policies.lin"; "" at the top */
    const gv_param *params; /* NULL: none */
    void *config;           /* the struct that `params` describes */
    gv_setting *settings;   /* one for each row */
    gv_extra extras[GV_EXTRAS_MAX];
    size_t extra_count;
    gv_mark mark;
} gv_section;

/* What reading a section needs; the tree is frozen by now. */
typedef struct gv_reading {
    const gv_tree *tree;
    gv_region *region;
    gv_problems *problems;
    int64_t zone_offset_us;
} gv_reading;

/*
 * Fills `section` from the mapping at `node` (GV_TREE_NONE: all defaults): every row of `type`,
 * and no other key than those in `others` (NULL-ended, NULL: none), which the caller reads.
 * Wrong values are problems; the status is for memory alone.
 */
GV_MUST_CHECK gv_status gv_section_read(const gv_reading *reading, size_t node,
                                        const gv_type_info *type, const char *const *others,
                                        gv_section *section);

/* The text of the scalar under `key`, NULL when absent; another kind of node is a problem. */
const char *gv_section_word(const gv_reading *reading, size_t node, const char *key,
                            const char *path);

/* Keeps a value that no row holds. `node`: where it stands, GV_TREE_NONE: a default. */
void gv_section_extra(const gv_reading *reading, gv_section *section, const char *key,
                      const char *text, size_t node);

/* The mark of the row that holds `name`, or of the section where that is a default. */
gv_mark gv_section_mark(const gv_section *section, const char *name);

/* Where `node` was written, as an origin. */
gv_setting gv_section_setting(const gv_tree *tree, size_t node);

#endif
