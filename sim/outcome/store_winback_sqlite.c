/* Campaigns that win users back: policies, their days and clusters, written and read back. */
#include <inttypes.h>
#include <sqlite3.h>

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

static gv_status insert_clusters(gv_store *store, int64_t run_id, const gv_winback_record *record)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO winback_cluster (run_id, cell, cluster, spend_nanos,"
                             " retained) VALUES (?, ?, ?, ?, ?)",
                             "store a campaign's clusters");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < record->cluster_count; i++) {
        gv_row_integer(&row, run_id);
        gv_row_count(&row, record->cell);
        gv_row_count(&row, i);
        gv_row_integer(&row, record->clusters[i].spend_nanos);
        gv_row_count(&row, record->clusters[i].retained);
        status = gv_row_insert(&row);
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_all(gv_store *store, int64_t run_id, const gv_winback_record *record)
{
    GV_TRY(insert_total(store, run_id, record));
    GV_TRY(insert_days(store, run_id, record));
    GV_TRY(insert_clusters(store, run_id, record));
    return gv_checkpoint_drop(store, run_id, record->cell);
}

gv_status gv_store_write_winback(gv_store *store, int64_t run_id, const gv_winback_record *record)
{
    GV_TRY(gv_sql_begin(store));
    return gv_sql_end(store, insert_all(store, run_id, record));
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Numbers of a row, each 0 or more as they were written; false: the file is damaged. */
static bool get_counts(const gv_row *row, uint64_t *counts, int count)
{
    for (int i = 0; i < count; i++) {
        const int64_t value = sqlite3_column_int64(row->statement, i);
        if (sqlite3_column_type(row->statement, i) != SQLITE_INTEGER || value < 0) {
            return false;
        }
        counts[i] = (uint64_t)value;
    }
    return true;
}

static gv_status fail_damaged(const gv_store *store, int64_t run_id, size_t cell)
{
    return GV_FAIL(GV_ECORRUPT,
                   "%s is damaged: policy %zu of run %" PRId64 " is not as it was written",
                   store->path, cell, run_id);
}

static gv_status read_total(gv_store *store, int64_t run_id, size_t cell, gv_winback_tally *total)
{
    enum { SUMS = 8 };
    uint64_t sums[SUMS] = {0};
    bool has_row = false;
    gv_row row = gv_row_open(store,
                             "SELECT auctions, wins, spend_nanos, clicks, reentries, retained,"
                             " organic, visits FROM winback WHERE run_id = ? AND cell = ?",
                             "read a campaign that wins users back");
    gv_row_integer(&row, run_id);
    gv_row_count(&row, cell);
    gv_status status = gv_row_step(&row, &has_row);
    const bool is_sound = status != GV_OK || !has_row || get_counts(&row, sums, SUMS);
    gv_row_close(&row);
    GV_TRY(status);
    if (!has_row) {
        return GV_FAIL(GV_ENOTFOUND, "%s: run %" PRId64 " has no policy %zu yet", store->path,
                       run_id, cell);
    }
    *total = (gv_winback_tally){.auctions = sums[0],
                                .wins = sums[1],
                                .spend_nanos = (int64_t)sums[2],
                                .clicks = sums[3],
                                .reentries = sums[4],
                                .retained = sums[5],
                                .organic = sums[6],
                                .visits = sums[7]};
    return is_sound ? GV_OK : fail_damaged(store, run_id, cell);
}

static gv_status read_clusters(gv_store *store, int64_t run_id, size_t cell,
                               gv_winback_cluster *clusters, size_t count)
{
    gv_row row = gv_row_open(store,
                             "SELECT spend_nanos, retained FROM winback_cluster"
                             " WHERE run_id = ? AND cell = ? ORDER BY cluster",
                             "read a campaign's clusters");
    gv_row_integer(&row, run_id);
    gv_row_count(&row, cell);
    size_t found = 0;
    bool has_row = false;
    bool is_sound = true;
    gv_status status = gv_row_step(&row, &has_row);
    for (; status == GV_OK && has_row && is_sound; found++) {
        uint64_t pair[2] = {0};
        is_sound = found < count && get_counts(&row, pair, 2);
        if (is_sound) {
            clusters[found] = (gv_winback_cluster){(int64_t)pair[0], pair[1]};
            status = gv_row_step(&row, &has_row);
        }
    }
    gv_row_close(&row);
    GV_TRY(status);
    return is_sound && found == count ? GV_OK : fail_damaged(store, run_id, cell);
}

gv_status gv_store_read_winback(gv_store *store, int64_t run_id, size_t cell,
                                gv_winback_tally *total, gv_winback_cluster *clusters,
                                size_t cluster_count)
{
    GV_TRY(read_total(store, run_id, cell, total));
    return read_clusters(store, run_id, cell, clusters, cluster_count);
}
