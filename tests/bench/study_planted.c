/*
 * study_planted ROWS PAST SEED JOBS NAME:TYPE[:PARAM=VALUE,...] ...
 *
 * Trains each variant on the first 80 % of planted rows, whose users have a past of at most PAST
 * events, and prices the rest; prints one line of tab-separated figures each: name, numbers in the
 * network, seconds of a pass, area under the ROC curve of clicks and of conversions among clicks,
 * log loss of clicks; and, paired with the first variant, the difference of the areas of clicks
 * with a 95 % bootstrap interval. The line "truth" has the areas of the law by which the labels
 * were drawn.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models/predict/model.h"
#include "planted_examples.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "sim/base/random.h"
#include "sim/estimate/quality.h"

enum { BUCKETS = 1 << 16, RESAMPLES = 400, CONFIG_SIZE = 1024, VARIANTS_MAX = 32, ARGUMENTS = 5 };

typedef struct study {
    planted_examples *planted;
    gv_examples test;
    uint32_t *order; /* [train] */
    size_t train;
    uint64_t seed;
    size_t jobs;
    float *pctr[VARIANTS_MAX];
    float *pcvr[VARIANTS_MAX];
} study;

static void check(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "%s\n", gv_status_detail());
        exit(1);
    }
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void shuffle(study *s, uint64_t pass)
{
    const gv_random random = gv_random_key(s->seed, GV_STREAM_EXAMPLE, pass);
    for (size_t i = 0; i < s->train; i++) {
        s->order[i] = (uint32_t)i;
    }
    for (size_t i = s->train; i-- > 1;) {
        const size_t k = (size_t)gv_random_below(&random, i, i + 1);
        const uint32_t kept = s->order[i];
        s->order[i] = s->order[k];
        s->order[k] = kept;
    }
}

/* The rows behind the first `from`. */
static gv_examples rest_of(const gv_examples *all, size_t from)
{
    const gv_example_shape *shape = &all->shape;
    gv_examples rest = *all;
    rest.count -= from;
    rest.starts += from * shape->field_count;
    rest.past_counts += from;
    rest.past_buckets += from * shape->past_length * shape->past_field_count;
    rest.past_ages += from * shape->past_length;
    rest.clicks += from;
    rest.conversions += from;
    return rest;
}

static void read_settings(const gv_model_type *type, char *settings, void *config)
{
    gv_param_defaults(type->info.params, config);
    char *rest = NULL;
    for (char *one = strtok_r(settings, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(one, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        const gv_param *param = gv_param_find(type->info.params, one);
        if (param == NULL || value == NULL) {
            (void)fprintf(stderr, "%s has no parameter '%s'\n", type->info.name, one);
            exit(2);
        }
        check(gv_param_parse(param, value, 0, config));
    }
}

static int64_t epochs_of(const gv_model_type *type, const char *config)
{
    const gv_param *param = gv_param_find(type->info.params, "epochs");
    int64_t epochs = 1;
    if (param != NULL) {
        memcpy(&epochs, config + param->offset, sizeof epochs);
    }
    return epochs;
}

static size_t numbers_of(const gv_model_type *type, const void *state)
{
    static gv_tensor tensors[GV_MODEL_TENSORS_MAX];
    gv_model_tensors all = {.tensors = tensors};
    type->tensors(state, &all);
    size_t numbers = 0;
    for (size_t i = 0; i < all.count; i++) {
        const bool is_table = tensors[i].rank == 2 && tensors[i].shape[0] == BUCKETS;
        numbers += is_table ? 0 : gv_tensor_size(&tensors[i]) / sizeof(float);
    }
    return numbers;
}

static double area_of_conversions(const study *s, const float *scores)
{
    float *some = gv_mem_alloc(0, 2 * s->test.count, sizeof *some);
    float *labels = some + s->test.count;
    size_t count = 0;
    for (size_t i = 0; i < s->test.count; i++) {
        if (s->test.clicks[i] > 0) {
            some[count] = scores[i];
            labels[count++] = s->test.conversions[i];
        }
    }
    const double area = gv_quality_auc(some, labels, count);
    gv_mem_free(some);
    return area;
}

static double log_loss(const study *s, const float *scores)
{
    double sum = 0;
    for (size_t i = 0; i < s->test.count; i++) {
        const double p = fmin(fmax((double)scores[i], 1e-7), 1 - 1e-7);
        sum -= s->test.clicks[i] > 0 ? log(p) : log1p(-p);
    }
    return sum / (double)s->test.count;
}

/* Drawn with replacement, the same rows for both. */
static double resampled_difference(const study *s, const float *a, const float *b, uint64_t which)
{
    const size_t count = s->test.count;
    const gv_random random = gv_random_key(s->seed, GV_STREAM_BOOTSTRAP, which);
    float *drawn = gv_mem_alloc(0, 3 * count, sizeof *drawn);
    for (size_t i = 0; i < count; i++) {
        const size_t k = (size_t)gv_random_below(&random, i, count);
        drawn[i] = a[k];
        drawn[count + i] = b[k];
        drawn[2 * count + i] = s->test.clicks[k];
    }
    const double difference = gv_quality_auc(drawn, drawn + 2 * count, count) -
                              gv_quality_auc(drawn + count, drawn + 2 * count, count);
    gv_mem_free(drawn);
    return difference;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_difference(const study *s, const float *first, const float *other)
{
    double differences[RESAMPLES];
    for (size_t i = 0; i < RESAMPLES; i++) {
        differences[i] = resampled_difference(s, first, other, i);
    }
    qsort(differences, RESAMPLES, sizeof differences[0], by_value);
    printf("\t%.5f\t%.5f\t%.5f\n",
           gv_quality_auc(first, s->test.clicks, s->test.count) -
               gv_quality_auc(other, s->test.clicks, s->test.count),
           differences[RESAMPLES / 40], differences[RESAMPLES - 1 - RESAMPLES / 40]);
}

static void print_truth(const study *s)
{
    float *scores = gv_mem_alloc(0, 2 * s->test.count, sizeof *scores);
    float *conversions = scores + s->test.count;
    for (size_t i = 0; i < s->test.count; i++) {
        scores[i] = (float)planted_examples_pctr(s->planted)[s->train + i];
        conversions[i] = (float)planted_examples_pcvr(s->planted)[s->train + i];
    }
    printf("truth\t0\t0\t%.5f\t%.5f\t%.5f\t0\t0\t0\n",
           gv_quality_auc(scores, s->test.clicks, s->test.count),
           area_of_conversions(s, conversions), log_loss(s, scores));
    gv_mem_free(scores);
}

static void run_variant(study *s, char *text, size_t index)
{
    static char config[CONFIG_SIZE];
    char *rest = NULL;
    const char *name = strtok_r(text, ":", &rest);
    const char *type_name = strtok_r(NULL, ":", &rest);
    const gv_model_type *type = type_name == NULL ? NULL : gv_model_find(type_name);
    if (type == NULL || type->info.config_size > sizeof config) {
        (void)fprintf(stderr, "expected NAME:TYPE[:PARAM=VALUE,...], found '%s'\n", text);
        exit(2);
    }
    char none[] = "";
    char *settings = strtok_r(NULL, ":", &rest);
    memset(config, 0, sizeof config);
    read_settings(type, settings == NULL ? none : settings, config);
    const gv_examples *all = planted_examples_rows(s->planted);
    const gv_model_setup setup = {
        .config = config, .shape = all->shape, .seed = s->seed, .jobs = s->jobs, .learns = true};
    void *state = gv_mem_alloc(type->state_size, 0, 0);
    check(type->init(state, &setup));
    const double begun = seconds_now();
    double loss = 0;
    const int64_t epochs = epochs_of(type, config);
    for (int64_t i = 0; i < epochs; i++) {
        shuffle(s, (uint64_t)i);
        check(type->learn(state, all, s->order, s->train, &loss));
    }
    const double spent = (seconds_now() - begun) / (double)epochs;
    s->pctr[index] = gv_mem_alloc(0, 2 * s->test.count, sizeof(float));
    s->pcvr[index] = s->pctr[index] + s->test.count;
    check(type->predict(state, &s->test, s->pctr[index], s->pcvr[index]));
    printf("%s\t%zu\t%.2f\t%.5f\t%.5f\t%.5f", name, numbers_of(type, state), spent,
           gv_quality_auc(s->pctr[index], s->test.clicks, s->test.count),
           area_of_conversions(s, s->pcvr[index]), log_loss(s, s->pctr[index]));
    print_difference(s, s->pctr[0], s->pctr[index]);
    (void)fflush(stdout);
    type->fini(state);
    gv_mem_free(state);
}

int main(int argc, char **argv)
{
    if (argc <= ARGUMENTS || argc - ARGUMENTS > VARIANTS_MAX) {
        (void)fprintf(stderr,
                      "usage: study_planted ROWS PAST SEED JOBS NAME:TYPE[:PARAM=VALUE,...] ...\n");
        return 2;
    }
    study s = {.seed = strtoull(argv[3], NULL, 10), .jobs = strtoull(argv[4], NULL, 10)};
    const uint64_t rows = strtoull(argv[1], NULL, 10);
    const uint64_t past = strtoull(argv[2], NULL, 10);
    const gv_planted_config config = {.count = rows,
                                      .users = rows / (5 * past) + 1,
                                      .seed = s.seed,
                                      .past_length = past,
                                      .start_us = 0,
                                      .span_us = 7 * GV_US_PER_DAY};
    check(planted_examples_create(&config, BUCKETS, &s.planted));
    const gv_examples *all = planted_examples_rows(s.planted);
    s.train = all->count / 5 * 4;
    s.test = rest_of(all, s.train);
    s.order = gv_mem_alloc(0, s.train, sizeof *s.order);
    print_truth(&s);
    for (int i = ARGUMENTS; i < argc; i++) {
        run_variant(&s, argv[i], (size_t)(i - ARGUMENTS));
    }
    for (size_t i = 0; i < VARIANTS_MAX; i++) {
        gv_mem_free(s.pctr[i]);
    }
    gv_mem_free(s.order);
    planted_examples_destroy(s.planted);
    return 0;
}
