/*
 * role_impl.h - how a column of a role is read unless its format says otherwise: the form, the
 * range and the words for both.
 */
#ifndef SIM_LOG_ROLE_IMPL_H
#define SIM_LOG_ROLE_IMPL_H

#include <stdbool.h>

#include "sim/log/column.h"
#include "sim/log/reader_impl.h"

/* Money counts in CPM, times are ISO; column and field are 0. */
gv_binding gv_role_binding(gv_log_role role);

/* The same for a column of a mapping's own, by kind. */
gv_binding gv_kind_binding(gv_log_kind kind);

bool gv_role_is_money(gv_log_role role);

#endif
