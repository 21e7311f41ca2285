/*
 * reentries.h - examples of retention: what was seen at a bid, what came after the re-entry, and
 * whether the user stayed.
 *
 * A row is one re-entry through an ad of a campaign (winback.h). Its content and label are dated:
 * whoever opens a file in which content is not later than the bid is refused, as such a file shows
 * what a bid cannot know. The truth of both kinds stands beside the label, for judging alone.
 */
#ifndef SIM_MARKET_REENTRIES_H
#define SIM_MARKET_REENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/population.h"
#include "sim/market/winback.h"

/*
 * Columns: C type, name here and in the file, the file's type, and sizes of a row's axes (0: none).
 * A place in a past, session or item that there was not is 0.
 */
#define GV_REENTRY_COLUMNS(X)                                                         \
    X(float, x, GV_TENSOR_F32, GV_USER_FEATURES, 0)                                   \
    X(int32_t, past_count, GV_TENSOR_I32, 0, 0)                                       \
    X(int32_t, past_type, GV_TENSOR_I32, GV_USER_PAST, 0) /* the latest first */      \
    X(float, past_dwell, GV_TENSOR_F32, GV_USER_PAST, 0)                              \
    X(float, past_age, GV_TENSOR_F32, GV_USER_PAST, 0)                                \
    X(int32_t, session_count, GV_TENSOR_I32, 0, 0) /* 0: no content */                \
    X(float, session_gap, GV_TENSOR_F32, GV_ONBOARDING_SESSIONS, 0)                   \
    X(int32_t, item_type, GV_TENSOR_I32, GV_ONBOARDING_SESSIONS, GV_ONBOARDING_ITEMS) \
    X(float, item_dwell, GV_TENSOR_F32, GV_ONBOARDING_SESSIONS, GV_ONBOARDING_ITEMS)  \
    X(float, item_like, GV_TENSOR_F32, GV_ONBOARDING_SESSIONS, GV_ONBOARDING_ITEMS)   \
    X(float, retained, GV_TENSOR_F32, 0, 0)       /* y */                             \
    X(double, truth_bid, GV_TENSOR_F64, 0, 0)     /* p(y | x) */                      \
    X(double, truth_content, GV_TENSOR_F64, 0, 0) /* p(y | x, content) */             \
    X(int64_t, user, GV_TENSOR_I64, 0, 0)                                             \
    X(int64_t, spell, GV_TENSOR_I64, 0, 0)                                            \
    X(int64_t, bid_us, GV_TENSOR_I64, 0, 0)                                           \
    X(int64_t, content_us, GV_TENSOR_I64, 0, 0) /* the first item's; the re-entry without */

/* Each column: [count] rows. */
typedef struct gv_reentry_view {
    size_t count;
#define X(type, name, tensor, first, second) const type *name;
    GV_REENTRY_COLUMNS(X)
#undef X
} gv_reentry_view;

/* Rows [first, first + count) of a view. */
gv_reentry_view gv_reentry_rows(const gv_reentry_view *view, size_t first, size_t count);

typedef struct gv_reentries gv_reentries;

/* All re-entries of a campaign that is over, drawn anew from its population. */
GV_MUST_CHECK gv_status gv_reentries_of(const gv_population *population, const gv_winback *winback,
                                        gv_reentries **out);

/* A safetensors file of these columns; GV_ECORRUPT or GV_EINVAL names the row that cannot be. */
GV_MUST_CHECK gv_status gv_reentries_open(const char *path, gv_reentries **out);
GV_MUST_CHECK gv_status gv_reentries_write(const gv_reentries *reentries, const char *path);
void gv_reentries_destroy(gv_reentries *reentries); /* accepts NULL */

/* Borrowed. */
const gv_reentry_view *gv_reentries_view(const gv_reentries *reentries);

#endif
