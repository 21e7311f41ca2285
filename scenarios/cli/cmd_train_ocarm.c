/* gavel train ocarm_teacher and ocarm_student: predictors of retention, from examples. */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/ocarm.h"
#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "sim/base/parallel.h"

#define SEED_MAX UINT64_C(1000000000000)

enum { KEY_SEED = 256, KEY_TEACHER, KEY_JSON };

typedef struct ocarm_request {
    gv_ocarm_role role;
    const char *examples;
    const char *teacher;
    const char *out_path;
    gv_cli_words sets;
    uint64_t seed;
    size_t jobs;
    bool as_json;
    bool quiet;
    bool has_told;
} ocarm_request;

static const struct argp_option options[] = {
    {"out", 'o', "FILE", 0, "The weights to write (required)", 0},
    {"teacher", KEY_TEACHER, "FILE", 0, "Of a student: the weights of its teacher", 0},
    {"set", 's', "KEY=VALUE", 0,
     "A parameter, as `gavel list retention TYPE` shows them; may be repeated", 0},
    {"seed", KEY_SEED, "N", 0, "Of starting weights, split and shuffles (default: 1)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the file is the same", 0},
    {"json", KEY_JSON, NULL, 0, "Print every epoch as a JSON object", 0},
    {"quiet", 'q', NULL, 0, "No talk", 0},
    {0},
};

static void take_argument(ocarm_request *request, const char *text, struct argp_state *state)
{
    for (int role = 0; role < GV_OCARM_ROLES; role++) {
        if (strcmp(text, gv_ocarm_types[role].name) == 0) {
            request->role = (gv_ocarm_role)role;
            return;
        }
    }
    if (request->examples != NULL) {
        argp_error(state, "one file of examples at a time: '%s' is the second", text);
    }
    request->examples = text;
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    ocarm_request *request = state->input;
    switch (key) {
    case 'o':
        request->out_path = text;
        return 0;
    case KEY_TEACHER:
        request->teacher = text;
        return 0;
    case 's':
        gv_cli_add_word(&request->sets, "--set", text, state);
        return 0;
    case KEY_SEED:
        request->seed = gv_cli_count("--seed", text, SEED_MAX, state);
        return 0;
    case 'j':
        request->jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(request, text, state);
        return 0;
    case ARGP_KEY_END:
        if (request->examples == NULL) {
            argp_error(state, "which EXAMPLES? `gavel retention play -o` writes them");
        }
        if (request->out_path == NULL) {
            argp_error(state, "where to? give -o FILE");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "ocarm_teacher|ocarm_student EXAMPLES.safetensors",
    .doc = "Trains a predictor of retention. The teacher reads onboarding content, which no bid "
           "can; "
           "the student reads bid-time features alone and is aligned with the teacher. Without "
           "alignment a student needs no teacher: --set align=0 --set distil=0.\v"
           "Example:\n"
           "  gavel train ocarm_teacher x.safetensors -o teacher.safetensors\n"
           "  gavel train ocarm_student x.safetensors --teacher teacher.safetensors \\\n"
           "      -o student.safetensors --set distil=4",
};

static void tell(void *context, const gv_ocarm_epoch *epoch)
{
    ocarm_request *request = context;
    if (request->as_json) {
        json_t *held = isfinite(epoch->held_loss) ? json_real(epoch->held_loss) : json_null();
        json_t *object = json_pack("{s:I,s:f,s:o,s:b}", "epoch", (json_int_t)epoch->epoch, "loss",
                                   epoch->loss, "held_out_loss", held, "best", epoch->is_best);
        (void)json_dumpf(object, stdout, JSON_COMPACT);
        (void)putchar('\n');
        json_decref(object);
        return;
    }
    if (!request->has_told) {
        printf("%8s  %12s  %12s\n", "epoch", "loss", "held out");
        request->has_told = true;
    }
    printf("%8" PRIu64 "  %12.6f  %12.6f%s\n", epoch->epoch, epoch->loss, epoch->held_loss,
           epoch->is_best ? " *" : "");
    (void)fflush(stdout);
}

static gv_status train(ocarm_request *request, const gv_reentry_view *view, gv_ocarm *teacher)
{
    gv_ocarm_config config = {.epochs = 0};
    gv_ocarm *ocarm = NULL;
    const gv_type_info *type = &gv_ocarm_types[request->role];
    gv_param_defaults(type->params, &config);
    for (size_t i = 0; i < request->sets.count; i++) {
        GV_TRY(gv_cli_set_value(type, "retention", request->sets.items[i], &config));
    }
    const gv_ocarm_training training = {.role = request->role,
                                        .config = &config,
                                        .examples = view,
                                        .teacher = teacher,
                                        .seed = request->seed,
                                        .jobs = request->jobs,
                                        .tell = tell,
                                        .context = request};
    GV_TRY(gv_ocarm_train(&training, &ocarm));
    const gv_status status = gv_ocarm_write(ocarm, request->out_path);
    gv_ocarm_destroy(ocarm);
    return status;
}

static gv_status train_from_files(ocarm_request *request)
{
    gv_reentries *examples = NULL;
    gv_ocarm *teacher = NULL;
    const char *const inputs[] = {request->examples, request->teacher};
    GV_TRY(gv_cli_spare(request->out_path, inputs, sizeof inputs / sizeof inputs[0]));
    gv_status status = gv_reentries_open(request->examples, &examples);
    if (status == GV_OK && request->teacher != NULL) {
        status = gv_ocarm_open(request->teacher, &teacher);
    }
    if (status == GV_OK) {
        status = train(request, gv_reentries_view(examples), teacher);
    }
    gv_ocarm_destroy(teacher);
    gv_reentries_destroy(examples);
    return status;
}

int gv_train_ocarm(int argc, char **argv)
{
    static ocarm_request request;
    request = (ocarm_request){.role = GV_OCARM_ROLES, .seed = 1, .jobs = gv_parallel_processors()};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    const gv_status status = train_from_files(&request);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    gv_cli_talk(request.quiet, "the weights are in %s\n", request.out_path);
    return gv_cli_finish(GV_EXIT_DONE);
}
