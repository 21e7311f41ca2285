/*
 * Decisions of the sequence planners as a market asks for them, the state and the sampler
 * included: the published decision transformer over periods of 48 ticks with its cache beside
 * itself computed anew, EBaReT at its defaults, and the published decision diffuser, all steps and
 * half of them. bench_nn
 * has the bare networks beside PyTorch.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/timing.h"
#include "planner_fixture.h"
#include "policies/learn/dd.h"
#include "policies/learn/dt.h"
#include "policies/learn/ebaret.h"
#include "policies/learn/learners_impl.h"

enum {
    TURNS = 7,
    CAMPAIGNS = 48,
    TICKS = PLANNER_TICKS_MAX,
    NAME_SIZE = 256,
    PATH_SIZE = 2 * NAME_SIZE
};

static char folder[NAME_SIZE];
static gv_dataset *dataset;

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_planner: %s\n", gv_status_detail());
        exit(1);
    }
}

static void name_file(const char *name, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s/%s.safetensors", folder, name);
}

/* Weights as they are drawn: what they say does not change what they cost. */
static void write_weights(const gv_learner_type *type, const char *preset)
{
    planner_config config = planner_config_of(type, NULL);
    char path[PATH_SIZE];
    gv_learner *learner = NULL;
    if (preset != NULL) {
        must(gv_learner_preset(type, preset, &config));
    }
    must(gv_param_parse(gv_param_find(type->info.params, "batch"), "1", 0, &config));
    must(gv_param_parse(gv_param_find(type->info.params, "shards"), "1", 0, &config));
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .seed = 3, .jobs = 1};
    must(gv_learner_create(type, &setup, &learner));
    name_file(type->info.name, path);
    must(gv_learner_export(learner, "bench", path));
    gv_learner_destroy(learner);
}

/* All observations of a period, the same for every campaign. */
static gv_observation seen[TICKS];
static made_period period;

static void make_period(void)
{
    period_begin(&period, TICKS);
    for (size_t tick = 0; tick < TICKS; tick++) {
        seen[tick] = period.seen;
        period_pass_drawn(&period, 1);
    }
}

typedef struct transformer {
    gv_dt *dt;
    gv_dt_seat *seats[CAMPAIGNS];
    size_t count;
} transformer;

static transformer transformer_of(size_t count, bool recomputes)
{
    char path[PATH_SIZE];
    transformer all = {.count = count};
    const gv_dt_serving serving = {.target = 1, .recomputes = recomputes};
    name_file("dt", path);
    must(gv_dt_open(path, &serving, &all.dt));
    for (size_t i = 0; i < count; i++) {
        must(gv_dt_seat_create(all.dt, 1000, 50, &all.seats[i]));
    }
    return all;
}

static void transformer_drop(transformer *all)
{
    for (size_t i = 0; i < all->count; i++) {
        gv_dt_seat_destroy(all->seats[i]);
    }
    gv_dt_close(all->dt);
}

/* A whole period of decisions. */
static void play_transformer(void *context)
{
    const transformer *all = context;
    double actions[CAMPAIGNS];
    for (size_t tick = 0; tick < TICKS; tick++) {
        gv_observation each[CAMPAIGNS];
        for (size_t i = 0; i < all->count; i++) {
            each[i] = seen[tick];
        }
        gv_dt_act(all->seats, each, all->count, actions);
    }
}

static void row(const char *what, double milliseconds, double against)
{
    printf("| %s | %.3f | %.1f |\n", what, milliseconds, against);
}

static void bench_transformer(void)
{
    transformer anew = transformer_of(1, true);
    transformer one = transformer_of(1, false);
    transformer all = transformer_of(CAMPAIGNS, false);
    const bench_side sides[] = {{"anew", play_transformer, &anew},
                                {"one", play_transformer, &one},
                                {"all", play_transformer, &all}};
    const bench_times times = bench_measure(sides, 3, TURNS);
    const double each = 1e3 / TICKS;
    row("decision transformer, one campaign, 48 ticks computed anew", each * times.median[0], 1);
    row("the same with its cache", each * times.median[1], times.ratio[1]);
    row("48 campaigns with their caches, each", each * times.median[2] / CAMPAIGNS,
        times.ratio[2] * CAMPAIGNS);
    transformer_drop(&anew);
    transformer_drop(&one);
    transformer_drop(&all);
}

static transformer guided_of(size_t count, gv_tilt tilt)
{
    char path[PATH_SIZE];
    transformer all = {.count = count};
    const gv_dt_serving serving = {.target = 1};
    const gv_guidance guidance = {.tilt = tilt, .kappa = 3, .expertness = 1};
    name_file("ebaret", path);
    must(gv_ebaret_open(path, &serving, &guidance, &all.dt));
    for (size_t i = 0; i < count; i++) {
        must(gv_dt_seat_create(all.dt, 1000, 50, &all.seats[i]));
    }
    return all;
}

/* Guided by the expertness of every bin of return, and by none. */
static void bench_guided(void)
{
    transformer fixed = guided_of(1, GV_TILT_NONE);
    transformer one = guided_of(1, GV_TILT_EXPERTNESS);
    transformer all = guided_of(CAMPAIGNS, GV_TILT_EXPERTNESS);
    const bench_side sides[] = {{"fixed", play_transformer, &fixed},
                                {"one", play_transformer, &one},
                                {"all", play_transformer, &all}};
    const bench_times times = bench_measure(sides, 3, TURNS);
    const double each = 1e3 / TICKS;
    row("EBaReT, one campaign, a fixed target", each * times.median[0], 1);
    row("the same, its return chosen among 32 by their expertness", each * times.median[1],
        times.ratio[1]);
    row("48 campaigns so, each", each * times.median[2] / CAMPAIGNS, times.ratio[2] * CAMPAIGNS);
    transformer_drop(&fixed);
    transformer_drop(&one);
    transformer_drop(&all);
}

typedef struct diffuser {
    gv_dd *dd;
    gv_dd_seat *seat;
} diffuser;

static diffuser diffuser_of(size_t jumps)
{
    char path[PATH_SIZE];
    diffuser one = {.dd = NULL};
    const gv_dd_serving serving = {
        .target = 1, .guidance = 1.2, .jumps = jumps, .eta = 1, .noise_scale = 0.5};
    name_file("dd", path);
    must(gv_dd_open(&gv_dd_diffuser, path, &serving, &one.dd));
    must(gv_dd_seat_create(one.dd, &(gv_dd_owner){.seed = 1, .number = 1}, &one.seat));
    return one;
}

static void play_diffuser(void *context)
{
    const diffuser *one = context;
    double action = 0;
    gv_dd_act(&one->seat, &seen[0], 1, &action);
}

static void bench_diffuser(void)
{
    diffuser whole = diffuser_of(0);
    diffuser half = diffuser_of(5);
    const bench_side sides[] = {{"whole", play_diffuser, &whole}, {"half", play_diffuser, &half}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    row("decision diffuser, one campaign, 10 steps x 2 passes", 1e3 * times.median[0], 1);
    row("the same by 5 jumps", 1e3 * times.median[1], times.ratio[1]);
    gv_dd_seat_destroy(whole.seat);
    gv_dd_close(whole.dd);
    gv_dd_seat_destroy(half.seat);
    gv_dd_close(half.dd);
}

static void make_dataset(void)
{
    const char *temporary = getenv("TMPDIR");
    char path[PATH_SIZE];
    const char *const paths[] = {path};
    const planted_set set = {
        .plant = plant_policy, .episodes = 2, .ticks = TICKS, .expert_every = 2};
    (void)snprintf(folder, sizeof folder, "%s/gavel-bench-XXXXXX",
                   temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(folder) == NULL) {
        perror("bench_planner");
        exit(1);
    }
    name_file("set", path);
    planted_write(&set, path);
    must(gv_dataset_open(paths, 1, &dataset));
}

static void remove_files(void)
{
    static const char *const names[] = {"set", "dt", "ebaret", "dd"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_SIZE];
        name_file(names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int main(void)
{
    make_dataset();
    make_period();
    write_weights(&gv_learner_dt, "dt");
    write_weights(&gv_learner_ebaret, NULL);
    write_weights(&gv_learner_dd, "dd");
    printf("## Planners\n\n");
    printf("A decision at a tick, of the published sizes or EBaReT's defaults; one thread, "
           "processor time, median of %d "
           "turns.\n\n",
           TURNS);
    printf("| what | ms | speed |\n|---|---:|---:|\n");
    bench_transformer();
    bench_guided();
    bench_diffuser();
    printf("\n");
    gv_dataset_destroy(dataset);
    remove_files();
    return 0;
}
