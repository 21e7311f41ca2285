/*
 * param.h - parameter tables: the one description of what can be set on anything that plugs in.
 *
 * A row names one field of a type's config struct: its spelling in a scenario, kind, unit,
 * default, range and help. Scenario validation, `gavel list`, --set, sweeps, the stored
 * parameters of a run and error messages all read the same rows, so none can disagree with
 * another. A table ends with a row whose name is NULL.
 */
#ifndef SIM_BASE_PARAM_H
#define SIM_BASE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* The field's C type stands beside each kind. */
typedef enum gv_param_kind {
    GV_PARAM_INTEGER,  /* int64_t */
    GV_PARAM_REAL,     /* double */
    GV_PARAM_MONEY,    /* int64_t nanos; a bare number is in the row's unit, "CPM" or "currency" */
    GV_PARAM_DURATION, /* int64_t us; a bare number is seconds */
    GV_PARAM_TIME,     /* int64_t us since 1970 UTC; local times are in the scenario's zone */
    GV_PARAM_SWITCH,   /* bool: on, off, true, false, yes, no */
    GV_PARAM_CHOICE,   /* int32_t index into `choices` */
    GV_PARAM_TEXT,     /* const char *, borrowed from the scenario, which outlives the run */
    GV_PARAM_PATH,     /* the same, the path of a file or one of `choices`, which are not paths */
} gv_param_kind;

/* What an unset or fitted number holds: a REAL is NaN, an INTEGER, MONEY or TIME this. */
#define GV_PARAM_UNSET INT64_MIN

typedef struct gv_param {
    const char *name; /* as a scenario spells it: lower case, underscores */
    gv_param_kind kind;
    const char *unit;     /* "CPM", "s", "clicks"; NULL: a bare number */
    const char *fallback; /* the default, as a scenario would spell it; NULL: must be given; "auto":
                             left unset, to be fitted on the training log or derived */
    double minimum;       /* inclusive; of MONEY in its unit, of DURATION in seconds */
    double maximum;       /* inclusive; minimum == maximum == 0: unbounded */
    const char *const *choices; /* CHOICE, PATH: NULL-ended names */
    size_t offset;              /* of the field in the config struct */
    const char *help;           /* one sentence, what it does */
    const char *source;         /* paper and equation, or NULL */
} gv_param;

/*
 * What every type table begins with. `config_size` is the size of the struct that `params`
 * describes; 0 with params NULL: nothing can be set.
 */
typedef struct gv_type_info {
    const char *name;    /* as a scenario spells it */
    const char *summary; /* one sentence for `gavel list` */
    const char *source;  /* paper, section or equation; NULL: ours */
    const gv_param *params;
    size_t config_size;
} gv_type_info;

/* The row called `name`, or NULL. */
const gv_param *gv_param_find(const gv_param *params, const char *name);

/*
 * The name in `names` (count of them) that a person who typed `name` most likely meant, by
 * edit distance, or NULL when none is near.
 */
const char *gv_param_nearest(const char *const *names, size_t count, const char *name);

/* Writes the fallback of every row into the zeroed struct at `config`; required ones stay unset. */
void gv_param_defaults(const gv_param *params, void *config);

/*
 * Reads `text` as the row's kind, checks its range and writes the field. `text` must outlive
 * `config` for a TEXT row. `zone_offset_us` serves TIME rows. On failure the sentence says
 * what was expected, with range and unit; the caller puts the place in front.
 */
GV_MUST_CHECK gv_status gv_param_parse(const gv_param *param, const char *text,
                                       int64_t zone_offset_us, void *config);

/*
 * The field's value as gv_param_parse() would read it back to the same bits ("auto" while
 * unset); `text`: [size], cut when too small, 64 bytes suffice for all but TEXT.
 */
void gv_param_print(const gv_param *param, const void *config, char *text, size_t size);

/* Whether the field of a PATH row holds the path of a file, and no name of its choices. */
bool gv_param_is_file(const gv_param *param, const void *config);

/* False while the field still holds "auto". */
bool gv_param_is_set(const gv_param *param, const void *config);

#endif
