/*
 * column.h - what a log can hold: tables, columns and the roles that columns play.
 *
 * Every reader turns its input into these roles, so nothing behind the readers knows one
 * log format from another. A log has only the columns that its input had.
 */
#ifndef SIM_LOG_COLUMN_H
#define SIM_LOG_COLUMN_H

#include <stddef.h>
#include <stdint.h>

/*
 * impression: auctions that were won, or bid requests with a market price. click and conversion:
 * events joined to an impression (column `row`), each with its own time. orphan_*: events whose
 * impression is not in the log; kept with their own features. reject: rows that could not be read.
 */
#define GV_LOG_TABLE_LIST(X)                         \
    X(GV_LOG_IMPRESSION, "impression")               \
    X(GV_LOG_CLICK, "click")                         \
    X(GV_LOG_CONVERSION, "conversion")               \
    X(GV_LOG_ORPHAN_CLICK, "orphan_click")           \
    X(GV_LOG_ORPHAN_CONVERSION, "orphan_conversion") \
    X(GV_LOG_REJECT, "reject")

typedef enum gv_log_table {
#define X(name, text) name,
    GV_LOG_TABLE_LIST(X)
#undef X
        GV_LOG_TABLE_COUNT
} gv_log_table;

/* How a column's cells lie in memory and in the file. */
typedef enum gv_log_kind {
    GV_LOG_INTEGER, /* int64_t: times in us, money in nanos, row numbers, sizes in pixels */
    GV_LOG_REAL,    /* double */
    GV_LOG_CODE,    /* uint32_t into the column's dictionary of distinct texts */
    GV_LOG_TEXT,    /* bytes, mostly distinct: offsets (uint64_t, one more than rows) and a heap */
    GV_LOG_KIND_COUNT
} gv_log_kind;

/*
 * The roles, with column name and kind. A mapping file may add columns of its own, as kind REAL
 * or CODE under any other name.
 */
#define GV_LOG_ROLE_LIST(X)                                    \
    X(GV_ROLE_TIME, "time", GV_LOG_INTEGER)                    \
    X(GV_ROLE_BID_ID, "bid_id", GV_LOG_TEXT)                   \
    X(GV_ROLE_ROW, "row", GV_LOG_INTEGER)                      \
    X(GV_ROLE_USER, "user", GV_LOG_TEXT)                       \
    X(GV_ROLE_USER_AGENT, "user_agent", GV_LOG_CODE)           \
    X(GV_ROLE_IP, "ip", GV_LOG_CODE)                           \
    X(GV_ROLE_REGION, "region", GV_LOG_CODE)                   \
    X(GV_ROLE_CITY, "city", GV_LOG_CODE)                       \
    X(GV_ROLE_EXCHANGE, "exchange", GV_LOG_CODE)               \
    X(GV_ROLE_DOMAIN, "domain", GV_LOG_CODE)                   \
    X(GV_ROLE_URL, "url", GV_LOG_TEXT)                         \
    X(GV_ROLE_URL_ID, "url_id", GV_LOG_CODE)                   \
    X(GV_ROLE_SLOT, "slot", GV_LOG_CODE)                       \
    X(GV_ROLE_SLOT_WIDTH, "slot_width", GV_LOG_INTEGER)        \
    X(GV_ROLE_SLOT_HEIGHT, "slot_height", GV_LOG_INTEGER)      \
    X(GV_ROLE_SLOT_VISIBILITY, "slot_visibility", GV_LOG_CODE) \
    X(GV_ROLE_SLOT_FORMAT, "slot_format", GV_LOG_CODE)         \
    X(GV_ROLE_FLOOR, "floor", GV_LOG_INTEGER)                  \
    X(GV_ROLE_CREATIVE, "creative", GV_LOG_CODE)               \
    X(GV_ROLE_BID, "bid", GV_LOG_INTEGER)                      \
    X(GV_ROLE_PRICE, "price", GV_LOG_INTEGER)                  \
    X(GV_ROLE_KEYPAGE, "keypage", GV_LOG_CODE)                 \
    X(GV_ROLE_ADVERTISER, "advertiser", GV_LOG_CODE)           \
    X(GV_ROLE_TAGS, "tags", GV_LOG_CODE)                       \
    X(GV_ROLE_FEATURES, "features", GV_LOG_TEXT)               \
    X(GV_ROLE_PCTR, "pctr", GV_LOG_REAL)                       \
    X(GV_ROLE_PCVR, "pcvr", GV_LOG_REAL)                       \
    X(GV_ROLE_CLICKS, "clicks", GV_LOG_INTEGER)                \
    X(GV_ROLE_CONVERSIONS, "conversions", GV_LOG_INTEGER)

typedef enum gv_log_role {
#define X(name, text, kind) name,
    GV_LOG_ROLE_LIST(X)
#undef X
        GV_ROLE_COUNT
} gv_log_role;

const char *gv_log_table_name(gv_log_table table);
const char *gv_log_role_name(gv_log_role role);
gv_log_kind gv_log_role_kind(gv_log_role role);

#endif
