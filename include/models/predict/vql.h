/*
 * vql.h - attention over a past of any length, at the cost of a few codes (VQL, arXiv 2508.17125:
 * keys alone are quantised, values stay as they are; heads in groups with a small codebook each; a
 * separable kernel of time; caches that no query changes). The formulas are derived from that.
 *
 * With z_i the code nearest to key k_i, per group of width d,
 *   weight of event i   exp(q e_(z_i) / sqrt d) kappa(t - t_i),   kappa(u) = sum_r a_r exp(-l_r u)
 *   result              the values' mean by these weights, 0 without events
 * so that a code needs to keep no more than S_(c,r) = sum exp(-l_r (T_c - t_i)) v_i, the same sum
 * of ones, and T_c, the time of its latest event: an event's coming costs O(R d), a query O(C R d),
 * however long the past. (Sums that refer to each code's own latest time never overflow, and no
 * other code is touched; a choice of ours.) If |q (k_i - e_(z_i))| / sqrt d is at most eps for
 * all events, the weights are off by at most exp(2 eps) - 1 in all, whatever their number.
 *
 * Codes are moving means of the keys that chose them; one that nobody chose for long becomes a key.
 * A cache belongs to the codebook as it was: learn first, then append. As the reader of a network
 * (`gavel train infnet`, sequence=codes) codes are learnt beside the network's own steps, and
 * gv_op_cross_attention() over what gv_vql_tell() says of a cache is the attention.
 */
#ifndef MODELS_PREDICT_VQL_H
#define MODELS_PREDICT_VQL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

enum { GV_VQL_GROUPS_MAX = 16, GV_VQL_DECAYS_MAX = 4 };

typedef struct gv_vql_config {
    size_t groups;                   /* 1 .. GV_VQL_GROUPS_MAX */
    size_t codes[GV_VQL_GROUPS_MAX]; /* of each group, at least 1 */
    size_t width;                    /* d of each group's keys and values, 1 .. 256 */
    size_t decays;                   /* R, 1 .. GV_VQL_DECAYS_MAX */
    double share[GV_VQL_DECAYS_MAX]; /* a_r, above 0 */
    double rate[GV_VQL_DECAYS_MAX];  /* l_r a second, at least 0; 0 alone: no kernel */
    double keep;                     /* of a moving mean at each step; 0 stands for 0.99 */
    uint64_t idle_steps;             /* unchosen for so many a code is reset; 0 stands for 1000 */
    uint64_t seed;
} gv_vql_config;

typedef struct gv_vql_book gv_vql_book;

/* Codes start standard normal; the first step of learning makes each of them a key. */
GV_MUST_CHECK gv_status gv_vql_book_create(const gv_vql_config *config, gv_vql_book **out);
void gv_vql_book_destroy(gv_vql_book *book); /* accepts NULL */

/* Codes of a group [codes][width]; caches made before are to be cleared where they change. */
const float *gv_vql_codes(const gv_vql_book *book, size_t group);
void gv_vql_set_codes(gv_vql_book *book, size_t group, const float *codes);

/* The nearest code of each group to key [groups][width] (nearest.h). O(C d). */
void gv_vql_choose(const gv_vql_book *book, const float *key, uint32_t *codes);

/* Keys of a part of a step: of each row those of its events. */
typedef struct gv_vql_keys {
    const float *keys; /* [rows][length][groups][width] */
    size_t rows;
    size_t length;
    const uint32_t *counts; /* [rows] how many of the length a row has; NULL: all */
} gv_vql_keys;

/* What a part of a step tells the codes. */
typedef struct gv_vql_tally gv_vql_tally;

GV_MUST_CHECK gv_status gv_vql_tally_create(const gv_vql_book *book, gv_vql_tally **out);
void gv_vql_tally_destroy(gv_vql_tally *tally); /* accepts NULL */

/* Overwrites the tally. The book is only read: several threads may take tallies of one. */
void gv_vql_tally_take(gv_vql_tally *tally, const gv_vql_book *book, const gv_vql_keys *keys);

/*
 * One step of the codes towards the keys of tallies taken since the last one (asserted), in their
 * order, so that it does not matter who took them; without any key, none.
 */
void gv_vql_learn(gv_vql_book *book, gv_vql_tally *const *tallies, size_t count);

typedef struct gv_vql_cache gv_vql_cache;

/* Of one user. The codebook is borrowed; when it changes the cache is to be cleared. */
GV_MUST_CHECK gv_status gv_vql_cache_create(const gv_vql_book *book, gv_vql_cache **out);
void gv_vql_cache_destroy(gv_vql_cache *cache); /* accepts NULL */

/* No events; the codes may have changed since. */
void gv_vql_cache_clear(gv_vql_cache *cache);

/*
 * An event more, told by its key's codes [groups], with value [groups][width], at a time in seconds
 * not before the cache's latest (asserted). O(R d) a group.
 */
void gv_vql_append(gv_vql_cache *cache, const uint32_t *codes, const float *value, double time);

/* out [groups][width] for query [groups][width] at a time not before the latest event's. */
void gv_vql_attend(gv_vql_cache *cache, const float *query, double time, float *out);

/*
 * What gv_op_cross_attention() needs to give the same, for groups of C codes each (asserted), with
 * shares [groups][decays] instead of the config's a_r: pairs [C][2 groups width], each code with
 * the mean of its values, and weights [groups][C], 0 where it has none. O(C R d) a group.
 */
void gv_vql_tell(const gv_vql_cache *cache, const double *shares, double time, float *pairs,
                 float *weights);

/* The same of the keys themselves, event by event: what the cache stands for. O(L d). */
typedef struct gv_vql_past {
    const float *keys;   /* [count][groups][width] */
    const float *values; /* [count][groups][width] */
    const double *times; /* [count] */
    size_t count;
} gv_vql_past;

void gv_vql_attend_exactly(const gv_vql_config *config, const gv_vql_past *past, const float *query,
                           double time, float *out);

#endif
