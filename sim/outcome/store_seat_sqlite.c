/* What a market adds to its cells: seats and their ticks, beside the campaigns' own rows. */
#include <assert.h>

#include "sim/base/param.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/store_impl.h"

size_t gv_cell_tick_count(const gv_cell_record *cell)
{
    return cell->ticks == NULL && cell->seat != NULL ? cell->seat->tick_count : cell->tick_count;
}

/* A campaign's budget lasts its whole period, so what is left is what was not spent. */
gv_tick_record gv_cell_tick(const gv_cell_record *cell, size_t i, int64_t *spent)
{
    assert(i < gv_cell_tick_count(cell));
    if (cell->ticks != NULL) {
        return cell->ticks[i];
    }
    const gv_campaign *campaign = cell->campaign;
    const gv_tally *tally = &cell->seat->ticks[i].tally;
    *spent += tally->spend_nanos;
    return (gv_tick_record){
        .time_us = campaign->start_us + (int64_t)i * campaign->tick_us,
        .budget_left_nanos =
            campaign->budget_nanos == INT64_MAX ? INT64_MAX : campaign->budget_nanos - *spent,
        .tally = *tally,
    };
}

/* Beyond the tally, which stands in campaign or tick. */
static void put_seat_tick(gv_row *row, const gv_seat_tick *tick)
{
    gv_row_count(row, tick->exposures);
    gv_row_integer(row, tick->value_units);
    gv_row_integer(row, tick->won_value_units);
    gv_row_integer(row, tick->exposed_value_units);
    gv_row_integer(row, tick->least_cost_nanos);
}

static void put_seat(gv_row *row, const gv_cell_record *cell)
{
    const gv_seat_record *seat = cell->seat;
    gv_seat_tick total = {0};
    for (size_t i = 0; i < seat->tick_count; i++) {
        gv_seat_tick_add(&total, &seat->ticks[i]);
    }
    gv_row_count(row, seat->period);
    gv_row_count(row, seat->category);
    gv_row_text(row, seat->rivals);
    if (gv_cell_has_target(cell)) {
        gv_row_integer(row, cell->campaign->cpa_nanos);
    } else {
        gv_row_null(row);
    }
    if (cell->campaign->conversion_nanos > 0) {
        gv_row_integer(row, cell->campaign->conversion_nanos);
    } else {
        gv_row_null(row);
    }
    put_seat_tick(row, &total);
    gv_row_real(row, gv_cell_score(cell));
}

static gv_status insert_seats(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                              size_t count)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO seat (run_id, cell, period, category, rivals, cpa_nanos,"
                             " conversion_nanos, exposures, value_units, won_value_units,"
                             " exposed_value_units, least_cost_nanos, score) VALUES"
                             " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "store a cell's seat");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < count; i++) {
        if (cells[i].seat != NULL) {
            gv_row_integer(&row, run_id);
            gv_row_count(&row, cells[i].cell);
            put_seat(&row, &cells[i]);
            status = gv_row_insert(&row);
        }
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_seat_ticks(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                                   size_t count)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO seat_tick (run_id, cell, tick, exposures, value_units,"
                             " won_value_units, exposed_value_units, least_cost_nanos)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                             "store a seat's ticks");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < count; i++) {
        const gv_seat_record *seat = cells[i].seat;
        for (size_t t = 0; status == GV_OK && seat != NULL && t < seat->tick_count; t++) {
            gv_row_integer(&row, run_id);
            gv_row_count(&row, cells[i].cell);
            gv_row_count(&row, t);
            put_seat_tick(&row, &seat->ticks[t]);
            status = gv_row_insert(&row);
        }
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_seat_insert(gv_store *store, int64_t run_id, const gv_cell_record *cells, size_t count)
{
    GV_TRY(insert_seats(store, run_id, cells, count));
    return insert_seat_ticks(store, run_id, cells, count);
}
