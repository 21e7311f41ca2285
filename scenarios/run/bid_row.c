#include "scenarios/run/bid_row.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "sim/base/clock.h"
#include "sim/base/money.h"

enum { LINE_SIZE = 512, CELL_SIZE = 48 };

gv_status gv_bid_header_write(const char *reward, gv_file_writer *file)
{
    char line[LINE_SIZE];
    const int size = snprintf(
        line, sizeof line,
        "time,opportunity,intended,bid,propensity,offer,won,price,%s,multiplier\n", reward);
    return gv_file_write(file, line, (size_t)size);
}

static void print_cpm(int64_t nanos, char text[CELL_SIZE])
{
    gv_money_print(nanos, GV_NANOS_PER_CPM, text, CELL_SIZE);
}

/* Per CPM; a probability where there are strata. */
static void print_density(const gv_exploration *exploration, int64_t intended, int64_t bid,
                          char text[CELL_SIZE])
{
    const double unit = (double)GV_NANOS_PER_CPM;
    if (exploration->strata > 0) {
        (void)snprintf(text, CELL_SIZE, "%.17g", 1 / (double)exploration->strata);
        return;
    }
    (void)snprintf(
        text, CELL_SIZE, "%.17g",
        gv_exploration_density(exploration, (double)intended / unit, (double)bid / unit));
}

static void print_multiplier(const gv_exploration *exploration, uint64_t id, char text[CELL_SIZE])
{
    if (exploration->strata > 0) {
        const size_t k = gv_stratum_of(exploration, id);
        (void)snprintf(text, CELL_SIZE, "%.6g", gv_stratum_multiplier(exploration, k));
    }
}

gv_status gv_bid_row_write(const gv_bid_row *row, const gv_exploration *exploration,
                           int64_t zone_us, gv_file_writer *file)
{
    char line[LINE_SIZE];
    char time[CELL_SIZE];
    char intended[CELL_SIZE];
    char bid[CELL_SIZE];
    char density[CELL_SIZE] = "";
    char offer[CELL_SIZE];
    char price[CELL_SIZE] = "";
    char multiplier[CELL_SIZE] = "";
    const bool won = row->price >= 0;
    int64_t made = row->intended;
    if (gv_exploration_is_on(exploration)) {
        made = gv_explore(exploration, row->draw, row->intended);
        print_density(exploration, row->intended, made, density);
        print_multiplier(exploration, row->draw, multiplier);
    }
    gv_time_print(row->time_us, zone_us, time, sizeof time);
    print_cpm(row->intended, intended);
    print_cpm(made, bid);
    print_cpm(row->offer, offer);
    if (won) {
        print_cpm(row->price, price);
    }
    const int size = snprintf(line, sizeof line, "%s,%" PRIu64 ",%s,%s,%s,%s,%d,%s,%u,%s\n", time,
                              row->opportunity, intended, bid, density, offer, won, price,
                              row->reward, multiplier);
    return gv_file_write(file, line, (size_t)size);
}
