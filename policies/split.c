/*
 * Two policies in one campaign, each on its part of the users or of time: an A/B test played in a
 * market.
 *
 * An opportunity stands for a user. It is bid on by `second` where the draw of (seed, opportunity)
 * is below `share`, otherwise by `first`, so it is the same user's arm for every campaign of a
 * market and in every period. Both have the one budget and see what the campaign sees: what one
 * spends the other lacks, which is how a user split is biased.
 *
 * With `ticks` they take turns in time instead, a switchback: in each block of so many ticks one of
 * them bids on all users, by a draw of (seed, block) that all campaigns share. What one leaves of
 * the budget the other finds, which is how a switchback within a budget's time is biased.
 *
 * With `none` in one place its users are not bid on. Two campaigns with half a budget each, one
 * with `none` first and one with it second, are a budget split (Liu, Mao and Kang,
 * "Trustworthy Online Marketplace Experimentation with Budget-split Design", arXiv 2012.08724). The
 * policy of such a half is told money and counts as if its part of the users were all: divided by
 * that part. That is ours, and what a market announces and its ticks are left as they are.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "policies/cpa_impl.h"
#include "policies/plan_impl.h"
#include "policies/policies.h"
#include "policies/types_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { PIECE = 256, SIDES = 2 };

typedef struct split_config {
    int64_t cpa_nanos;
    const char *first;
    const char *second;
    double share;
    int64_t ticks;
} split_config;

typedef struct split_side {
    void *config;
    gv_policy *policy; /* NULL: none */
} split_side;

typedef struct split_state {
    uint64_t seed;
    double share;
    uint64_t ticks; /* of a block; 0: by the user */
    uint64_t tick;  /* now */
    double part;    /* of the users on whom anybody bids */
    gv_campaign campaign;
    split_side sides[SIDES];
} split_state;

static const gv_param split_params[] = {
    GV_CPA_PARAM,
    {.name = "first",
     .kind = GV_PARAM_TEXT,
     .fallback = "mcpa",
     .offset = offsetof(split_config, first),
     .help = "the type of policy, with its defaults, that bids on the other users, or none",
     .source = "ours"},
    {.name = "second",
     .kind = GV_PARAM_TEXT,
     .fallback = "auctionnet_pid",
     .offset = offsetof(split_config, second),
     .help = "the type of policy, with its defaults, that bids on `share` of the users, or none",
     .source = "ours"},
    {.name = "share",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .maximum = 1,
     .offset = offsetof(split_config, share),
     .help = "share of the users, or of the blocks of ticks, on whom `second` bids",
     .source = "ours"},
    {.name = "ticks",
     .kind = GV_PARAM_INTEGER,
     .fallback = "0",
     .maximum = 1000000,
     .offset = offsetof(split_config, ticks),
     .help =
         "ticks of a block in which one of them bids on all users, a switchback; 0: by the user",
     .source = "ours"},
    {0},
};

/* ---- the two within -------------------------------------------------------------------------- */

static bool is_none(const char *name)
{
    return strcmp(name, "none") == 0;
}

static bool can_share(const gv_policy_type *type)
{
    return (type->reads & ~(unsigned)GV_READS_PCVR) == 0 && !type->one_by_one &&
           !type->sees_future && !type->needs_market && type->load == NULL;
}

static gv_status find(const char *name, const gv_policy_type **type)
{
    *type = gv_policy_find(name);
    if (*type == NULL) {
        return GV_FAIL(GV_EINVAL, "split: there is no policy '%s'; see gavel list policies", name);
    }
    if (!can_share(*type)) {
        return GV_FAIL(GV_EINVAL,
                       "split: %s cannot have a part of the users: give a policy that reads pCVR "
                       "alone, in batches, and needs neither weights, a market nor the future",
                       name);
    }
    return GV_OK;
}

static void set_cpa(const gv_param *params, int64_t cpa_nanos, void *config)
{
    const gv_param *cpa = gv_param_find(params, "cpa");
    if (cpa != NULL) {
        memcpy((unsigned char *)config + cpa->offset, &cpa_nanos, sizeof cpa_nanos);
    }
}

static gv_status open_side(split_side *side, const char *name, const gv_policy_setup *setup)
{
    const split_config *config = setup->config;
    const gv_policy_type *type = NULL;
    GV_TRY(find(name, &type));
    side->config = gv_mem_alloc(type->info.config_size, 0, 0);
    if (side->config == NULL) {
        return GV_FAIL(GV_ENOMEM, "split: no memory for %s", name);
    }
    gv_param_defaults(type->info.params, side->config);
    set_cpa(type->info.params, config->cpa_nanos, side->config);
    gv_policy_setup own = *setup;
    own.config = side->config;
    return gv_policy_create(type, &own, &side->policy);
}

static double part_of(const split_config *config)
{
    if (is_none(config->first)) {
        return config->share;
    }
    return is_none(config->second) ? 1 - config->share : 1;
}

static int64_t whole(int64_t of_part, double part)
{
    if (part >= 1) {
        return of_part;
    }
    const double all = (double)of_part / part;
    return all >= 0x1p63 ? INT64_MAX : llround(all);
}

/* Either may learn from the history, so there must be one. */
static gv_status split_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    GV_TRY(gv_cpa_fit(config, input, progress));
    return gv_plan_need(input->history, "split", "first and second");
}

static gv_status split_init(void *state, const gv_policy_setup *setup)
{
    const split_config *config = setup->config;
    split_state *split = state;
    const char *const names[SIDES] = {config->first, config->second};
    split->seed = setup->seed;
    split->share = config->share;
    split->ticks = (uint64_t)config->ticks;
    split->part = part_of(config);
    if (split->part <= 0 || (is_none(config->first) && is_none(config->second))) {
        return GV_FAIL(GV_EINVAL, "split: nobody bids on any user: give first, second or share so "
                                  "that somebody does");
    }
    if (config->ticks > 0 && (is_none(config->first) || is_none(config->second))) {
        return GV_FAIL(GV_EINVAL,
                       "split: with ticks both first and second bid, in turn: none is for "
                       "a part of the users");
    }
    split->campaign = *setup->campaign;
    split->campaign.budget_nanos = whole(setup->campaign->budget_nanos, split->part);
    gv_policy_setup own = *setup;
    own.campaign = &split->campaign;
    for (size_t i = 0; i < SIDES; i++) {
        if (!is_none(names[i])) {
            GV_TRY(open_side(&split->sides[i], names[i], &own));
        }
    }
    return GV_OK;
}

static void split_fini(void *state)
{
    split_state *split = state;
    for (size_t i = 0; i < SIDES; i++) {
        gv_policy_destroy(split->sides[i].policy);
        gv_mem_free(split->sides[i].config);
    }
}

/* ---- bidding --------------------------------------------------------------------------------- */

static void side_bid(const split_side *side, const gv_batch *batch, int64_t *bids)
{
    if (side->policy != NULL) {
        gv_policy_bid(side->policy, batch, bids);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = GV_NO_BID;
    }
}

/* What policies that read pCVR alone see of opportunities from, from + 1, ... */
static gv_batch cut(const gv_batch *batch, size_t from)
{
    const size_t rest = batch->count - from;
    return (gv_batch){.count = rest < PIECE ? rest : PIECE,
                      .first_id = batch->first_id + from,
                      .ids = batch->ids == NULL ? NULL : batch->ids + from,
                      .pcvr = batch->pcvr + from,
                      .auctions_left = GV_AUCTIONS_UNKNOWN};
}

/* Whose draws tell the arms: blocks have entities of their own, from the highest down. */
static uint64_t drawn_entity(const split_state *split, uint64_t opportunity)
{
    return split->ticks == 0 ? opportunity : UINT64_MAX - split->tick / split->ticks;
}

static void bid_piece(const split_state *split, const gv_batch *piece, int64_t *bids)
{
    uint64_t ids[PIECE] = {0};
    double draws[PIECE];
    int64_t second[PIECE];
    for (size_t i = 0; i < piece->count; i++) {
        const uint64_t id = piece->ids == NULL ? piece->first_id + i : piece->ids[i];
        ids[i] = drawn_entity(split, id);
    }
    gv_random_each_uniform(split->seed, GV_STREAM_EXPERIMENT, ids, piece->count, draws);
    side_bid(&split->sides[0], piece, bids);
    side_bid(&split->sides[1], piece, second);
    for (size_t i = 0; i < piece->count; i++) {
        bids[i] = draws[i] < split->share ? second[i] : bids[i];
    }
}

static void split_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    for (size_t from = 0; from < batch->count; from += PIECE) {
        const gv_batch piece = cut(batch, from);
        bid_piece(state, &piece, bids + from);
    }
}

/* ---- what they are told ---------------------------------------------------------------------- */

static uint64_t whole_count(uint64_t count, double part)
{
    return (uint64_t)whole(count > INT64_MAX ? INT64_MAX : (int64_t)count, part);
}

/* Auctions are the whole's already. */
static void make_whole(gv_tally *tally, double part)
{
    tally->bids = whole_count(tally->bids, part);
    tally->wins = whole_count(tally->wins, part);
    tally->bid_nanos = whole(tally->bid_nanos, part);
    tally->spend_nanos = whole(tally->spend_nanos, part);
    tally->expected_nanoclicks = whole(tally->expected_nanoclicks, part);
    tally->expected_nanoconversions = whole(tally->expected_nanoconversions, part);
    tally->clicks = whole_count(tally->clicks, part);
    tally->conversions = whole_count(tally->conversions, part);
}

static gv_observation told(const gv_observation *seen, double part)
{
    gv_observation all = *seen;
    if (part < 1) {
        all.budget_nanos = whole(seen->budget_nanos, part);
        all.budget_left_nanos = whole(seen->budget_left_nanos, part);
        make_whole(&all.episode, part);
        make_whole(&all.last, part);
    }
    return all;
}

static void split_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        split_state *split = states[i];
        split->tick = observations[i].tick;
        const gv_observation seen = told(&observations[i], split->part);
        for (size_t side = 0; side < SIDES; side++) {
            if (split->sides[side].policy != NULL) {
                gv_policy_tick(&split->sides[side].policy, &seen, 1);
            }
        }
    }
}

static void split_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    split_state *split = state;
    for (size_t i = 0; i < SIDES; i++) {
        if (split->sides[i].policy != NULL) {
            gv_policy_observe(split->sides[i].policy, outcomes, count);
        }
    }
}

/* ---- between runs ---------------------------------------------------------------------------- */

static gv_status split_save(const void *state, gv_writer *writer)
{
    const split_state *split = state;
    GV_TRY(gv_writer_put(writer, "split.tick", &split->tick, sizeof split->tick));
    for (size_t i = 0; i < SIDES; i++) {
        if (split->sides[i].policy != NULL) {
            GV_TRY(gv_policy_save(split->sides[i].policy, writer));
        }
    }
    return GV_OK;
}

static gv_status split_restore(void *state, gv_reader *reader)
{
    split_state *split = state;
    GV_TRY(gv_reader_get(reader, "split.tick", &split->tick, sizeof split->tick));
    for (size_t i = 0; i < SIDES; i++) {
        if (split->sides[i].policy != NULL) {
            GV_TRY(gv_policy_restore(split->sides[i].policy, reader));
        }
    }
    return GV_OK;
}

const gv_policy_type gv_policy_split = {
    .info =
        {.name = "split",
         .summary =
             "two policies in one campaign, each on its part of the users or of time: an A/B test",
         .source = "of the budget split, Liu, Mao and Kang, arXiv 2012.08724; the rest is ours",
         .params = split_params,
         .config_size = sizeof(split_config)},
    .state_size = sizeof(split_state),
    .reads = GV_READS_PCVR,
    .needs_history = true,
    .fit = split_fit,
    .init = split_init,
    .bid = split_bid,
    .tick = split_tick,
    .observe = split_observe,
    .save = split_save,
    .restore = split_restore,
    .fini = split_fini,
};
