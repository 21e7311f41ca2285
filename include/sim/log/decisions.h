/*
 * decisions.h - a table of logged decisions: what was shown to whom, with which chance, what came.
 *
 * A CSV (RFC 4180) with a header, one decision a row; plain, gz, bz2, zst, xz or lz4. Which column
 * means what is told by name. Texts become codes, dense from 0 in the order in which they are met.
 * The preset of the Open Bandit Dataset (Saito, Aihara, Matsutani and Narita, NeurIPS 2021 Datasets
 * and Benchmarks) takes item_id, click, propensity_score, position and the four features of the
 * user; its affinities of user and item are left out.
 *
 * A row that cannot be used (cells missing, a propensity outside (0, 1], a density of 0 or below, a
 * reward that is no number, a spend below 0) is rejected: counted, and the first is kept with its
 * line. Missing columns are GV_EUSAGE.
 */
#ifndef SIM_LOG_DECISIONS_H
#define SIM_LOG_DECISIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/chunk.h"

enum { GV_DECISION_CONTEXTS_MAX = 16, GV_DECISION_REJECT_SIZE = 256 };

/* Names of columns; NULL: there is none. */
typedef struct gv_decision_columns {
    const char *action; /* NULL where actions are doses */
    const char *dose;   /* a real number, such as a bid; propensities are then densities */
    const char *target; /* the dose that the judged policy would have taken */
    const char *price;  /* that the dose won at; empty: it lost, and a reward may be empty, too */
    const char *spend;  /* what the action cost; empty: nothing */
    const char *reward;
    const char *propensity; /* NULL: not logged */
    const char *position;   /* of the action on a page; becomes the first context */
    const char *cluster;    /* NULL: each row is one of its own */
    size_t cluster_bytes;   /* of its text that count: 13 of an ISO time are an hour; 0: all */
    const char *contexts[GV_DECISION_CONTEXTS_MAX]; /* [context_count], besides the position */
    size_t context_count;
    double reject_share_max; /* more rows rejected than this share: GV_EREJECTS */
} gv_decision_columns;

/* Rows of one hour are a cluster; at most 1 % of rows may be rejected. */
gv_decision_columns gv_decision_columns_open_bandit(void);

/* action, reward, propensity; each row a cluster; at most 1 % of rows may be rejected. */
gv_decision_columns gv_decision_columns_plain(void);

typedef struct gv_decision_words gv_decision_words; /* texts behind codes */

typedef struct gv_decisions {
    size_t count;
    uint32_t *actions;    /* [count]; NULL: actions are doses */
    double *doses;        /* [count]; NULL: there is no such column */
    double *targets;      /* [count]; NULL: likewise */
    double *prices;       /* [count]; NaN: lost; NULL: likewise */
    double *spends;       /* [count], at least 0; NULL: likewise */
    double *rewards;      /* [count], finite */
    double *propensities; /* [count]; NULL: not logged */
    uint32_t *clusters;   /* [count], dense from 0; NULL: each row is one of its own */
    size_t cluster_count;
    uint32_t *contexts[GV_DECISION_CONTEXTS_MAX + 1]; /* [context_count][count] */
    size_t context_count;
    bool has_position; /* contexts[0] is the position */
    uint64_t reject_count;
    char first_reject[GV_DECISION_REJECT_SIZE]; /* a sentence with file and line; "" : none */
    gv_decision_words *words;
} gv_decisions;

/* On GV_OK the caller owns *out, which has at least one row. Some 60 bytes a row. */
GV_MUST_CHECK gv_status gv_decisions_read(const char *path, const gv_decision_columns *columns,
                                          gv_decisions **out);
void gv_decisions_destroy(gv_decisions *decisions); /* accepts NULL */

size_t gv_decisions_action_count(const gv_decisions *decisions);
gv_span gv_decisions_action(const gv_decisions *decisions, uint32_t code);

/* Of context column `context`. */
size_t gv_decisions_level_count(const gv_decisions *decisions, size_t context);
gv_span gv_decisions_level(const gv_decisions *decisions, size_t context, uint32_t code);

#endif
