/* How bids are varied at random. */
#include <inttypes.h>

#include "scenarios/config/scenario_impl.h"
#include "sim/market/exchange.h"

#define OF(field) .offset = offsetof(gv_exploration_plan, law.field)

static const gv_param rows[] = {
    {.name = "epsilon",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1,
     OF(epsilon),
     .help = "Share of bids that are drawn log-uniformly from [low, high] times what the policy "
             "bids."},
    {.name = "jitter",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .minimum = 0,
     .maximum = 3,
     OF(jitter),
     .help = "The others are multiplied by exp(jitter z - jitter^2 / 2), z standard normal: 1 on "
             "average."},
    {.name = "low",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .minimum = 1e-3,
     .maximum = 1e3,
     OF(low),
     .help = "Least factor that epsilon draws, or of the strata."},
    {.name = "high",
     .kind = GV_PARAM_REAL,
     .fallback = "2",
     .minimum = 1e-3,
     .maximum = 1e3,
     OF(high),
     .help = "Largest factor that epsilon draws, or of the strata."},
    {.name = "strata",
     .kind = GV_PARAM_INTEGER,
     .fallback = "0",
     .minimum = 0,
     .maximum = GV_STRATA_MAX,
     OF(strata),
     .help = "Instead of both: so many factors, from low to high in equal ratios, dealt out at "
             "random so that each block of as many auctions gets each once; 0: none."},
    {.name = "advertiser",
     .kind = GV_PARAM_INTEGER,
     .fallback = "auto",
     .minimum = 0,
     .maximum = 1e6,
     .offset = offsetof(gv_exploration_plan, advertiser),
     .help = "In a market: the number of the advertiser whose own policy's bids are varied; in a "
             "replay there is none."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_exploration_section = {
    .info = {.name = "exploration",
             .summary = "How bids are varied at random, so that their log (`gavel run --logs`) can "
                        "judge other bids.",
             .params = rows,
             .config_size = sizeof(gv_exploration_plan)},
};

/* Whose bids, and whether they are sold as they are made. */
static void check_advertiser(const gv_scenario *scenario, const gv_reading *reading,
                             const gv_section *section)
{
    const int64_t advertiser = scenario->exploration->advertiser;
    const gv_mark mark = gv_section_mark(section, "advertiser");
    if (scenario->market == NULL) {
        if (advertiser != GV_PARAM_UNSET) {
            gv_problems_add(reading->problems, mark,
                            "exploration.advertiser is one of a market, and this scenario replays "
                            "a log: take it out");
        }
        return;
    }
    const int64_t count = scenario->market->advertisers->count;
    if (advertiser == GV_PARAM_UNSET || advertiser >= count) {
        gv_problems_add(reading->problems, mark,
                        "exploration.advertiser must be given in a market, of 0 to %" PRId64
                        ": whose bids are varied",
                        count - 1);
    }
    if (scenario->market->settings->overspend == (int32_t)GV_OVERSPEND_AUCTIONNET) {
        gv_problems_add(reading->problems, mark,
                        "exploration: market.overspend: auctionnet drops bids, whose chances would "
                        "then be wrong: sell with exact");
    }
}

static void check(const gv_exploration *exploration, const gv_reading *reading,
                  const gv_section *section)
{
    if (exploration->low >= exploration->high) {
        gv_problems_add(reading->problems, gv_section_mark(section, "low"),
                        "exploration.low is %g, expected less than high, %g", exploration->low,
                        exploration->high);
    }
    if (exploration->strata == 1) {
        gv_problems_add(reading->problems, gv_section_mark(section, "strata"),
                        "exploration.strata is 1, expected 0 or at least 2: one factor compares "
                        "with nothing");
    }
    if (exploration->strata > 0 && (exploration->epsilon > 0 || exploration->jitter > 0)) {
        gv_problems_add(reading->problems, gv_section_mark(section, "strata"),
                        "exploration.strata deals out fixed factors: give it without epsilon and "
                        "jitter");
    }
    if (exploration->epsilon > 0 && exploration->epsilon < 1 && exploration->jitter <= 0) {
        gv_problems_add(reading->problems, gv_section_mark(section, "epsilon"),
                        "exploration.epsilon leaves the other bids as they are, so bids have no "
                        "density: give exploration.jitter too, such as 0.1");
    }
}

gv_status gv_scenario_read_exploration(gv_scenario *scenario, const gv_reading *reading)
{
    gv_section *section = &scenario->exploration_section;
    const size_t node = gv_tree_find(reading->tree, 0, "exploration");
    section->path = "exploration";
    if (node == GV_TREE_NONE) {
        return GV_OK;
    }
    GV_TRY(gv_section_read(reading, node, &gv_scenario_exploration_section.info, NULL, section));
    scenario->exploration = section->config;
    scenario->exploration->law.seed = (uint64_t)scenario->top->seed;
    check(&scenario->exploration->law, reading, section);
    check_advertiser(scenario, reading, section);
    return GV_OK;
}
