/* gavel run and gavel retention play, where the scenario is one of retention. */
#include "scenarios/cli/retention_play.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/cli/cli.h"
#include "scenarios/cli/output.h"
#include "scenarios/report/retention.h"
#include "scenarios/run/retention.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"

static gv_status find_baseline(const gv_retention_request *request, const gv_retention_plan *plan,
                               size_t *index)
{
    *index = 0;
    for (size_t i = 0; request->baseline != NULL && i < plan->policy_count; i++) {
        if (strcmp(plan->policies[i]->name, request->baseline) == 0) {
            *index = i;
            return GV_OK;
        }
    }
    if (request->baseline != NULL) {
        return GV_FAIL(GV_EUSAGE, "--baseline: the scenario has no policy '%s'", request->baseline);
    }
    return GV_OK;
}

static gv_status write_examples(const gv_retention_request *request, const gv_retention_run *run)
{
    gv_reentries *examples = NULL;
    GV_TRY(gv_retention_examples(run, &examples));
    const gv_status status = gv_reentries_write(examples, request->examples);
    if (status == GV_OK) {
        gv_cli_talk(request->quiet, "%s: %zu re-entries\n", request->examples,
                    gv_reentries_view(examples)->count);
    }
    gv_reentries_destroy(examples);
    return status;
}

static gv_status tell_outcomes(const gv_retention_request *request, gv_retention_plan *plan,
                               const gv_retention_run *run)
{
    gv_retention_report report = {.plan = plan, .run = run};
    GV_TRY(find_baseline(request, plan, &report.baseline));
    gv_retention_figure *figures = gv_mem_alloc(0, plan->policy_count, sizeof *figures);
    if (figures == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to compare policies");
    }
    report.figures = figures;
    gv_status status =
        gv_retention_compare(run, report.baseline, (uint64_t)plan->top->seed, figures);
    const gv_report_options look = gv_report_options_for(stdout);
    if (status == GV_OK) {
        status = request->as_json ? gv_retention_report_json(stdout, &report)
                                  : gv_retention_report_print(stdout, &report, &look);
    }
    gv_mem_free(figures);
    return status;
}

static int tell_stopped(const gv_retention_request *request, const gv_retention_result *result)
{
    if (request->db_path == NULL) {
        gv_cli_talk(request->quiet, "gavel: stopped; nothing was kept\n");
        return GV_EXIT_INTERRUPTED;
    }
    gv_cli_talk(request->quiet,
                "gavel: stopped with %zu policies done and %zu left; `gavel run %s --resume --db "
                "%s`, with the same --set, goes on\n",
                result->done, result->left, request->path, request->db_path);
    return gv_cli_signal() == SIGTERM ? GV_EXIT_RESUMABLE : GV_EXIT_INTERRUPTED;
}

static void tell_run(const gv_retention_request *request, const gv_retention_result *result)
{
    if (request->resume && result->run_id != 0) {
        gv_cli_tell_resumed(request->quiet, request->db_path, result->run_id, result->is_resumed);
    }
    if (result->unfinished_id != 0) {
        gv_cli_talk(request->quiet,
                    "run %" PRId64 " of the same scenario is unfinished; `gavel run --resume` "
                    "would have gone on with it\n",
                    result->unfinished_id);
    }
}

static int play_in_store(const gv_retention_request *request, gv_retention_plan *plan,
                         gv_store *store)
{
    const gv_retention_options options = {.jobs = request->jobs,
                                          .reference = request->reference,
                                          .resume = request->resume,
                                          .keeps_entries = request->examples != NULL,
                                          .arguments = request->arguments,
                                          .progress = gv_cli_progress(request->quiet)};
    gv_retention_result result;
    gv_retention_run *run = NULL;
    gv_status status = gv_retention_play(plan, store, &options, &result, &run);
    gv_cli_progress_end();
    tell_run(request, &result);
    if (status == GV_ESTOPPED) {
        return tell_stopped(request, &result);
    }
    if (status == GV_OK) {
        status = tell_outcomes(request, plan, run);
    }
    if (status == GV_OK && request->examples != NULL) {
        status = write_examples(request, run);
    }
    if (status == GV_OK && request->db_path != NULL) {
        gv_cli_talk(request->quiet, "run %" PRId64 " is in %s\n", result.run_id, request->db_path);
    }
    gv_retention_run_destroy(run);
    return status == GV_OK ? GV_EXIT_DONE : gv_cli_fail(status);
}

/* The examples are to spare scenario, database and models. */
static gv_status spare_inputs(const gv_retention_request *request, const gv_retention_plan *plan)
{
    const char *const own[] = {request->path, request->db_path};
    GV_TRY(gv_cli_spare(request->examples, own, sizeof own / sizeof own[0]));
    for (size_t i = 0; i < plan->policy_count; i++) {
        GV_TRY(gv_cli_spare(request->examples, &plan->policies[i]->model, 1));
    }
    return GV_OK;
}

static int play(const gv_retention_request *request, gv_retention_plan *plan)
{
    gv_store *store = NULL;
    size_t baseline = 0;
    gv_status status = find_baseline(request, plan, &baseline);
    if (status == GV_OK) {
        status = spare_inputs(request, plan);
    }
    if (status == GV_OK) {
        status = gv_store_open(request->db_path == NULL ? ":memory:" : request->db_path,
                               GV_STORE_WRITE, &store);
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    const int code = play_in_store(request, plan, store);
    gv_store_close(store);
    return gv_cli_finish(code);
}

static int list_policies(const gv_retention_plan *plan)
{
    const gv_retention_campaign *campaign = plan->campaign;
    char budget[48] = "none";
    if (campaign->budget_nanos != GV_PARAM_UNSET) {
        gv_money_print(campaign->budget_nanos, GV_NANOS_PER_UNIT, budget, sizeof budget);
    }
    printf("%6s  %-20s %-9s %12s %6s %16s  %s\n", "cell", "policy", "aim", "users", "days",
           "budget", "model");
    for (size_t i = 0; i < plan->policy_count; i++) {
        const gv_retention_policy *policy = plan->policies[i];
        printf("%6zu  %-20s %-9s %12" PRId64 " %6" PRId64 " %16s  %s\n", i, policy->name,
               gv_winback_aims[policy->aim], campaign->users, campaign->days, budget,
               policy->model == NULL ? "none" : policy->model);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static int print_config(gv_retention_plan *plan)
{
    const char *text = NULL;
    const gv_status status = gv_retention_text(plan, &text);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    (void)fputs(text, stdout);
    return gv_cli_finish(GV_EXIT_DONE);
}

int gv_cli_play_retention(const gv_retention_request *request)
{
    gv_retention_plan *plan = NULL;
    const gv_cli_words *sets = request->sets;
    const gv_status status = request->text == NULL
                                 ? gv_retention_load(request->path, sets->items, sets->count, &plan)
                                 : gv_retention_parse(request->path, request->text, request->size,
                                                      sets->items, sets->count, &plan);
    int code = GV_EXIT_DONE;
    if (status != GV_OK) {
        code = gv_cli_fail_with(plan == NULL ? NULL : &plan->problems, status);
    } else if (request->print_config) {
        code = print_config(plan);
    } else {
        code = request->dry_run ? list_policies(plan) : play(request, plan);
    }
    gv_retention_plan_destroy(plan);
    return code;
}
