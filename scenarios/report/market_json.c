/* A market's league tables as JSON: every figure with its interval. */
#include <jansson.h>
#include <string.h>

#include "scenarios/report/market.h"
#include "scenarios/report/report_impl.h"

static json_t *row_json(const gv_league_row *row)
{
    json_t *figures = json_object();
    for (size_t f = 0; f < GV_LEAGUE_FIGURES; f++) {
        (void)json_object_set_new(figures, gv_league_figure_name((gv_league_figure)f),
                                  gv_report_interval_json(&row->figures[f]));
    }
    return json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:o}", "policy", row->policy, "policy_type",
        row->policy_type, "is_reference", strcmp(row->policy_type, GV_ORACLE_TYPE) == 0, "seats",
        (json_int_t)row->seat_count, "seats_with_oracle", (json_int_t)row->paired_count, "blocks",
        (json_int_t)row->cluster_count, "figures", figures);
}

static json_t *table_json(const gv_league_table *table)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < table->row_count; i++) {
        (void)json_array_append_new(rows, row_json(&table->rows[i]));
    }
    return json_pack("{s:s, s:I, s:I, s:s, s:s, s:o}", "rivals", table->rivals, "periods",
                     (json_int_t)table->period_count, "campaigns",
                     (json_int_t)table->campaign_count, "ranked_by",
                     gv_league_figure_name(table->ranking), "block",
                     table->block == GV_BLOCK_PERIOD ? "period" : "seat", "policies", rows);
}

gv_status gv_market_json(const gv_outcomes *outcomes, json_t **out)
{
    const gv_league_config config = gv_market_league(outcomes);
    gv_league *league = NULL;
    GV_TRY(gv_league_create(&config, &league));
    json_t *tables = json_array();
    for (size_t t = 0; t < league->table_count; t++) {
        (void)json_array_append_new(tables, table_json(&league->tables[t]));
    }
    gv_league_destroy(league);
    *out = tables;
    return GV_OK;
}
