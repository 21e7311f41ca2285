#include "scenarios/run/offline.h"

#include <stdio.h>
#include <string.h>

#include "policies/policies.h"
#include "sim/base/mem.h"

enum { NAMES_MAX = 128, KEY_SIZE = 64 };

static gv_status find_type(const char *name, const gv_policy_type **out)
{
    *out = gv_policy_find(name);
    if (*out != NULL) {
        return GV_OK;
    }
    const char *nearest = gv_policy_nearest(name);
    return GV_FAIL(GV_EUSAGE, "there is no policy '%s'%s%s%s: `gavel list policies` lists them",
                   name, nearest == NULL ? "" : ", perhaps ", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
}

static gv_status fail_key(const gv_policy_type *type, const char *key)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    const gv_param *params = type->info.params;
    for (; params != NULL && params[count].name != NULL && count < NAMES_MAX; count++) {
        names[count] = params[count].name;
    }
    const char *nearest = gv_param_nearest(names, count, key);
    return GV_FAIL(GV_EUSAGE, "--set %s: the policy %s has no such parameter%s%s%s", key,
                   type->info.name, nearest == NULL ? "" : ", perhaps ",
                   nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

static gv_status set_one(const gv_policy_type *type, const char *text, void *config)
{
    char key[KEY_SIZE];
    const char *equals = strchr(text, '=');
    const size_t size = equals == NULL ? 0 : (size_t)(equals - text);
    if (size == 0 || size >= sizeof key) {
        return GV_FAIL(GV_EUSAGE, "--set %s: expected KEY=VALUE", text);
    }
    memcpy(key, text, size);
    key[size] = '\0';
    const gv_param *param =
        type->info.params == NULL ? NULL : gv_param_find(type->info.params, key);
    if (param == NULL) {
        return fail_key(type, key);
    }
    if (gv_param_parse(param, equals + 1, 0, config) != GV_OK) {
        char sentence[512];
        (void)snprintf(sentence, sizeof sentence, "%s", gv_status_detail());
        return GV_FAIL(GV_EUSAGE, "--set %s: %s", text, sentence);
    }
    return GV_OK;
}

static bool is_given(const gv_offline_request *request, const char *name)
{
    const size_t size = strlen(name);
    for (size_t i = 0; i < request->set_count; i++) {
        if (strncmp(request->sets[i], name, size) == 0 && request->sets[i][size] == '=') {
            return true;
        }
    }
    return false;
}

/* Complete but for what a fit sets. */
static gv_status configure(const gv_offline_request *request, const gv_policy_type *type,
                           void *config)
{
    const gv_param *params = type->info.params;
    if (params != NULL) {
        gv_param_defaults(params, config);
    }
    for (size_t i = 0; i < request->set_count; i++) {
        GV_TRY(set_one(type, request->sets[i], config));
    }
    for (size_t i = 0; params != NULL && params[i].name != NULL; i++) {
        if (params[i].fallback == NULL && !is_given(request, params[i].name)) {
            return GV_FAIL(GV_EUSAGE, "the policy %s needs --set %s=...: %s", type->info.name,
                           params[i].name, params[i].help);
        }
    }
    return GV_OK;
}

static gv_status play_files(const gv_offline_request *request, const gv_offline_plan *plan,
                            const gv_progress *progress, gv_offline_board *board)
{
    const gv_offline_taker taker = {.take = gv_offline_board_take, .context = board};
    for (size_t i = 0; i < request->file_count; i++) {
        GV_TRY(gv_offline_log_play(plan, request->files[i], progress, &taker));
    }
    if (gv_offline_board_campaigns(board) == 0) {
        return GV_FAIL(GV_EPARSE, "%s: holds a header and nothing else", request->files[0]);
    }
    return GV_OK;
}

static gv_status play_onto(const gv_offline_request *request, gv_offline_plan plan,
                           const gv_progress *progress, gv_offline_board **out)
{
    gv_logged_period *history = NULL;
    gv_offline_board *board = NULL;
    gv_status status = GV_OK;
    if (request->history != NULL) {
        GV_TRY(gv_logged_period_read(request->history, plan.tick_count, progress, &history));
    }
    plan.history = history;
    GV_TRY_GOTO(status, gv_offline_board_create(request->ratio_count, &board), done);
    GV_TRY_GOTO(status, play_files(request, &plan, progress, board), done);
    *out = board;
    board = NULL;
done:
    gv_offline_board_destroy(board);
    gv_logged_period_destroy(history);
    return status;
}

gv_status gv_offline_run(const gv_offline_request *request, const gv_progress *progress,
                         gv_offline_board **out)
{
    const gv_policy_type *type = NULL;
    GV_TRY(find_type(request->policy, &type));
    void *config = gv_mem_alloc(0, type->info.config_size + 1, 1);
    if (config == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the parameters of %s", request->policy);
    }
    const gv_offline_plan plan = {.type = type,
                                  .config = config,
                                  .ratios = request->ratios,
                                  .ratio_count = request->ratio_count,
                                  .overspend = request->overspend,
                                  .seed = request->seed,
                                  .tick_count = GV_AUCTIONNET_PERIOD_TICKS,
                                  .tick_us = GV_AUCTIONNET_TICK_US};
    gv_status status = configure(request, type, config);
    if (status == GV_OK) {
        status = play_onto(request, plan, progress, out);
    }
    gv_mem_free(config);
    return status;
}
