#include "sim/log/column.h"

#include <assert.h>

const char *gv_log_table_name(gv_log_table table)
{
    static const char *const names[] = {
#define X(name, text) [name] = (text),
        GV_LOG_TABLE_LIST(X)
#undef X
    };
    assert((unsigned)table < GV_LOG_TABLE_COUNT);
    return names[table];
}

typedef struct role_row {
    const char *name;
    gv_log_kind kind;
} role_row;

static const role_row role_rows[] = {
#define X(role, text, kind) [role] = {text, kind},
    GV_LOG_ROLE_LIST(X)
#undef X
};

const char *gv_log_role_name(gv_log_role role)
{
    assert((unsigned)role < GV_ROLE_COUNT);
    return role_rows[role].name;
}

gv_log_kind gv_log_role_kind(gv_log_role role)
{
    assert((unsigned)role < GV_ROLE_COUNT);
    return role_rows[role].kind;
}
