/* Writes campaigns that win users back: policies, and their days. */
#include "sim/base/param.h"
#include "sim/outcome/store_impl.h"
#include "sim/outcome/winback.h"

static void put_tally(gv_row *row, const gv_winback_tally *tally)
{
    gv_row_count(row, tally->auctions);
    gv_row_count(row, tally->wins);
    gv_row_integer(row, tally->spend_nanos);
    gv_row_count(row, tally->clicks);
    gv_row_count(row, tally->reentries);
    gv_row_count(row, tally->retained);
    gv_row_count(row, tally->organic);
    gv_row_count(row, tally->visits);
}

static gv_status insert_total(gv_store *store, int64_t run_id, const gv_winback_record *record)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO winback (run_id, cell, policy, aim, model, users,"
                             " budget_nanos, auctions, wins, spend_nanos, clicks, reentries,"
                             " retained, organic, visits)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "store a campaign that wins users back");
    gv_row_integer(&row, run_id);
    gv_row_count(&row, record->cell);
    gv_row_text(&row, record->policy);
    gv_row_text(&row, record->aim);
    gv_row_text(&row, record->model);
    gv_row_count(&row, record->user_count);
    if (record->budget_nanos == GV_PARAM_UNSET) {
        gv_row_null(&row);
    } else {
        gv_row_integer(&row, record->budget_nanos);
    }
    put_tally(&row, &record->total);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return status;
}

static gv_status insert_days(gv_store *store, int64_t run_id, const gv_winback_record *record)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO winback_day (run_id, cell, day, multiplier, auctions,"
                             " wins, spend_nanos, clicks, reentries, retained, organic, visits)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "store a campaign's days");
    gv_status status = GV_OK;
    for (size_t day = 0; status == GV_OK && day < record->day_count; day++) {
        gv_row_integer(&row, run_id);
        gv_row_count(&row, record->cell);
        gv_row_count(&row, day);
        gv_row_real(&row, record->days[day].multiplier);
        put_tally(&row, &record->days[day].tally);
        status = gv_row_insert(&row);
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_store_write_winback(gv_store *store, int64_t run_id, const gv_winback_record *record)
{
    GV_TRY(gv_sql_begin(store));
    gv_status status = insert_total(store, run_id, record);
    if (status == GV_OK) {
        status = insert_days(store, run_id, record);
    }
    return gv_sql_end(store, status);
}
