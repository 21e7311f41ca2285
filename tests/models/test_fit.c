/* Training into a file and serving from it: what is kept, what is refused, and the same bytes. */
#include <math.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "models/predict/fit.h"
#include "models/predict/served.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "test_log.h"

enum { IMPRESSIONS = 1200, ROW_SIZE = 128, BITS = 10 };

/* Impressions a second apart; odd creatives are clicked more often, at once. */
static gv_log *make_log(const test_folder *folder, const char *name, double scale)
{
    char(*heap)[ROW_SIZE] = gv_mem_alloc(0, (size_t)IMPRESSIONS * 2, ROW_SIZE);
    const char **text = gv_mem_alloc(0, (size_t)IMPRESSIONS * 2 + 1, sizeof *text);
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    gv_log *log = NULL;
    size_t used = 0;
    assert_non_null(heap);
    assert_non_null(text);
    for (size_t i = 0; i < IMPRESSIONS; i++) {
        const gv_random random = gv_random_key(1, GV_STREAM_TEST, i);
        const size_t creative = (size_t)gv_random_below(&random, 0, 6);
        text[used] = heap[used];
        (void)snprintf(heap[used++], ROW_SIZE,
                       "impression time=%zu bid_id=b%zu user=u%zu creative=%zu exchange=%zu",
                       i * 1000000, i, i % 40, creative, i % 3);
        if (gv_random_bernoulli(&random, 1, scale * (creative % 2 == 1 ? 0.5 : 0.1))) {
            text[used] = heap[used];
            (void)snprintf(heap[used++], ROW_SIZE, "click time=%zu bid_id=b%zu", i * 1000000 + 5,
                           i);
        }
    }
    test_folder_path(folder, name, path);
    const test_log_options options = {.rows_per_chunk = 1};
    assert_int_equal(test_log_build(path, text, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    gv_mem_free(heap);
    gv_mem_free(text);
    return log;
}

/* The rows that were told. */
typedef struct told {
    gv_fit_row rows[64];
    size_t count;
    bool stops;         /* progress asks to stop */
    double stop_behind; /* so many passes, 0.5: in the midst of the first */
    double passes;      /* all of them */
} told;

static void hear(void *context, const gv_fit_row *row)
{
    told *t = context;
    t->rows[t->count++] = *row;
}

static bool go_on(void *context, const char *what, uint64_t done, uint64_t total)
{
    const told *t = context;
    return !t->stops || strcmp(what, "training") != 0 ||
           (double)done < t->stop_behind / t->passes * (double)total;
}

typedef struct stage {
    gv_fit_config work;
    gv_progress progress;
    told told;
    void *config;
    char path[TEST_PATH_SIZE];
} stage;

static void prepare(stage *s, const test_folder *folder, const char *file, const char *type,
                    const gv_log *log)
{
    static const char fields[] = "creative, exchange, hour; past(3): event, creative";
    *s = (stage){.work = {.type = gv_model_find(type)}};
    test_folder_path(folder, file, s->path);
    s->config = gv_mem_alloc(0, 1, s->work.type->info.config_size);
    assert_non_null(s->config);
    gv_param_defaults(s->work.type->info.params, s->config);
    assert_int_equal(gv_fields_parse(fields, sizeof fields - 1, &s->work.fields), GV_OK);
    s->progress = (gv_progress){go_on, &s->told};
    s->work.config = s->config;
    s->work.training = (gv_predictor_training){
        .log = log, .start_us = 0, .end_us = INT64_C(1100000000), .impression_weight = 1};
    s->work.bits = BITS;
    s->work.seed = 7;
    s->work.jobs = 1;
    s->work.epochs = 5;
    s->work.hold_out = 0.2;
    s->work.path = s->path;
    s->work.version = "1.2.3";
    s->work.tell = hear;
    s->work.context = &s->told;
    s->work.progress = &s->progress;
}

static char *bytes_of(const char *path, size_t *size)
{
    gv_file_map map;
    assert_int_equal(gv_file_map_open(path, &map), GV_OK);
    char *copy = gv_mem_alloc(0, map.size, 1);
    assert_non_null(copy);
    memcpy(copy, map.bytes, map.size);
    *size = map.size;
    gv_file_map_close(&map);
    return copy;
}

static void a_model_is_trained_written_and_served(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        stage s;
        gv_fit_result result;
        gv_served *served = NULL;
        prepare(&s, *state, "m.safetensors", (*type)->info.name, log);
        s.work.epochs = 40; /* few rows: networks take few steps a pass */
        assert_int_equal(gv_fit(&s.work, &result), GV_OK);
        assert_int_equal(result.sample_count, 880);
        assert_int_equal(result.held_out_count, 220);
        assert_int_equal(result.epochs, 40);
        assert_int_equal(s.told.count, 40);
        assert_int_equal(gv_served_open(s.path, 1, &served), GV_OK);
        const gv_model_about *about = gv_served_about(served);
        assert_ptr_equal(about->type, *type);
        assert_int_equal(about->epochs, result.kept_epoch);
        assert_true(about->log_identity == gv_log_identity(log));
        assert_true(about->to_us == s.work.training.end_us);
        assert_string_equal(about->version, "1.2.3");
        assert_int_equal(gv_served_bind(served, log), GV_OK);
        /* Odd creatives are clicked more often, and the model knows it. */
        gv_sample samples[100];
        float p[100];
        double sums[2] = {0};
        double counts[2] = {0};
        for (size_t i = 0; i < 100; i++) {
            samples[i] = (gv_sample){.row = 1100 + i, .time_us = (int64_t)(1100 + i) * 1000000};
        }
        assert_int_equal(gv_served_price(served, samples, 100, p, NULL), GV_OK);
        for (size_t i = 0; i < 100; i++) {
            const gv_random random = gv_random_key(1, GV_STREAM_TEST, 1100 + i);
            const size_t odd = (size_t)gv_random_below(&random, 0, 6) % 2;
            float alone = 0;
            sums[odd] += (double)p[i];
            counts[odd]++;
            assert_int_equal(gv_served_price(served, &samples[i], 1, &alone, NULL), GV_OK);
            assert_true(alone == p[i]);
        }
        printf("%s: even %.3f, odd %.3f\n", (*type)->info.name, sums[0] / counts[0],
               sums[1] / counts[1]);
        assert_true(sums[1] / counts[1] > 1.05 * sums[0] / counts[0]);
        gv_served_close(served);
        gv_mem_free(s.config);
    }
    gv_log_close(log);
}

/* The pass with the least loss on what was held out is in the file, and so is told. */
static void the_best_pass_is_kept(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    stage s;
    gv_fit_result result;
    gv_model_file *file = NULL;
    prepare(&s, *state, "m.safetensors", "fm", log);
    s.work.epochs = 40;
    assert_int_equal(gv_fit(&s.work, &result), GV_OK);
    double best = INFINITY;
    uint64_t epoch = 0;
    for (size_t i = 0; i < s.told.count; i++) {
        assert_true(s.told.rows[i].is_judged);
        assert_true(s.told.rows[i].is_kept == (s.told.rows[i].held_out_loss < best));
        epoch = s.told.rows[i].held_out_loss < best ? s.told.rows[i].epoch : epoch;
        best = fmin(best, s.told.rows[i].held_out_loss);
    }
    assert_true(epoch < 40); /* it overfits by then */
    assert_int_equal(result.kept_epoch, epoch);
    assert_true(result.held_out_loss == best);
    assert_int_equal(gv_model_file_open(s.path, &file), GV_OK);
    assert_int_equal(gv_model_file_about(file)->epochs, epoch);
    gv_model_file_close(file);
    /* Patience ends it behind that pass, with the same bytes. */
    size_t sizes[2];
    char *whole = bytes_of(s.path, &sizes[0]);
    s.work.patience = 3;
    s.told.count = 0;
    assert_int_equal(gv_fit(&s.work, &result), GV_OK);
    assert_true(result.epochs <= epoch + 3);
    char *early = bytes_of(s.path, &sizes[1]);
    if (result.kept_epoch == epoch) {
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(whole, early, sizes[0]);
    }
    gv_mem_free(whole);
    gv_mem_free(early);
    gv_mem_free(s.config);
    gv_log_close(log);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    char *bytes[3];
    size_t sizes[3];
    for (size_t i = 0; i < 3; i++) {
        stage s;
        gv_fit_result result;
        prepare(&s, *state, "m.safetensors", "fm", log);
        s.work.seed = i == 2 ? 8 : 7;
        s.work.jobs = i + 1;
        assert_int_equal(gv_fit(&s.work, &result), GV_OK);
        bytes[i] = bytes_of(s.path, &sizes[i]);
        gv_mem_free(s.config);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    assert_false(sizes[0] == sizes[2] && memcmp(bytes[0], bytes[2], sizes[0]) == 0);
    for (size_t i = 0; i < 3; i++) {
        gv_mem_free(bytes[i]);
    }
    gv_log_close(log);
}

static void set_batch(const stage *s, const char *value)
{
    const gv_param *batch = gv_param_find(s->work.type->info.params, "batch");
    if (batch != NULL) {
        assert_int_equal(gv_param_parse(batch, value, 0, s->config), GV_OK);
    }
}

/*
 * In the midst of the third pass, or of the first, with passes judged or not: what two passes give,
 * or nothing. Rows 512 on of a pass's 880 are in its midst for models that go row by row.
 */
static void stopped_in_a_pass_it_leaves_those_before(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        for (size_t held = 0; held < 2; held++) {
            stage s;
            gv_fit_result result;
            size_t sizes[2];
            prepare(&s, *state, "m.safetensors", (*type)->info.name, log);
            set_batch(&s, "64");
            s.work.hold_out = held == 1 ? 0.2 : 0;
            s.work.epochs = 2;
            assert_int_equal(gv_fit(&s.work, &result), GV_OK);
            char *whole = bytes_of(s.path, &sizes[0]);
            s.work.epochs = 5;
            s.told = (told){.stops = true, .stop_behind = 2.5, .passes = 5};
            assert_int_equal(gv_fit(&s.work, &result), GV_ESTOPPED);
            assert_non_null(strstr(gv_status_detail(), "stopped in pass 3"));
            assert_int_equal(result.epochs, 2);
            assert_int_equal(s.told.count, 2);
            char *stopped = bytes_of(s.path, &sizes[1]);
            assert_int_equal(sizes[0], sizes[1]);
            assert_memory_equal(whole, stopped, sizes[0]);
            (void)unlink(s.path);
            s.told.stop_behind = 0.5;
            assert_int_equal(gv_fit(&s.work, &result), GV_ESTOPPED);
            assert_int_equal(result.kept_epoch, 0);
            assert_int_not_equal(access(s.path, F_OK), 0);
            gv_mem_free(whole);
            gv_mem_free(stopped);
            gv_mem_free(s.config);
        }
    }
    gv_log_close(log);
}

static void one_class_is_refused_with_a_sentence(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 0);
    stage s;
    gv_fit_result result;
    prepare(&s, *state, "m.safetensors", "ftrl", log);
    assert_int_equal(gv_fit(&s.work, &result), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "there is no click in any of the 880"));
    gv_log_close(log);
    gv_mem_free(s.config);
    static const char *const all[] = {"impression time=1 bid_id=a creative=1 user=u exchange=1",
                                      "click time=2 bid_id=a", NULL};
    log = test_log_make(*state, "all.gvlog", all);
    prepare(&s, *state, "m.safetensors", "ftrl", log);
    assert_int_equal(gv_fit(&s.work, &result), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "there is a click in every one of the 1"));
    assert_int_not_equal(access(s.path, F_OK), 0);
    gv_log_close(log);
    gv_mem_free(s.config);
}

/*
 * A tenth of the impressions, each standing for ten: shifted or weighed, the mean prediction is
 * near the whole's rate.
 */
static void sampled_negatives_are_made_up_for(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    for (int how = 0; how < 2; how++) {
        stage s;
        gv_fit_result result;
        gv_served *served = NULL;
        gv_sample_list list;
        prepare(&s, *state, "m.safetensors", "ftrl", log);
        s.work.training.impression_weight = 10;
        s.work.sampling = (gv_sampling)how;
        s.work.hold_out = 0;
        s.work.epochs = 30;
        assert_int_equal(gv_fit(&s.work, &result), GV_OK);
        assert_int_equal(gv_served_open(s.path, 1, &served), GV_OK);
        assert_int_equal(gv_served_bind(served, log), GV_OK);
        assert_int_equal(gv_samples_gather(&s.work.training, "testing", NULL, &list), GV_OK);
        float *p = gv_mem_alloc(0, list.count, sizeof *p);
        double expected = 0;
        assert_int_equal(gv_served_price(served, list.items, list.count, p, NULL), GV_OK);
        for (size_t i = 0; i < list.count; i++) {
            expected += (list.items[i].is_clicked ? 1 : 10) * (double)p[i];
        }
        printf("%s: %.1f clicks expected, %zu there\n", gv_sampling_names[how], expected,
               list.click_count);
        assert_true(fabs(expected / (double)list.click_count - 1) < 0.1);
        gv_mem_free(p);
        gv_samples_fini(&list);
        gv_served_close(served);
        gv_mem_free(s.config);
    }
    gv_log_close(log);
}

static gv_served *opened(const stage *s, const gv_log *log)
{
    gv_served *served = NULL;
    assert_int_equal(gv_served_open(s->path, 1, &served), GV_OK);
    assert_int_equal(gv_served_bind(served, log), GV_OK);
    return served;
}

/* Of clicks and of conversions, each its own; as trained, conversions have none. */
static void recalibrations_are_kept_in_the_file(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    stage s;
    gv_fit_result result;
    double knots[] = {0.1, 0.4, 0.9};
    double values[] = {0.2, 0.2, 0.7};
    const gv_sample sample = {.row = 5, .time_us = 5000000};
    const gv_recalibration maps[] = {
        {.shift = -1.5},
        {.shift = 0.25, .kind = GV_RECALIBRATE_PLATT, .slope = 1.0 / 3, .offset = -0.1},
        {.kind = GV_RECALIBRATE_ISOTONIC, .knot_count = 3, .knots = knots, .values = values},
        {.shift = 0}};
    float raw[GV_RATES];
    prepare(&s, *state, "m.safetensors", "mlp", log);
    assert_int_equal(gv_fit(&s.work, &result), GV_OK);
    gv_served *served = opened(&s, log);
    assert_int_equal(gv_served_price(served, &sample, 1, &raw[0], &raw[1]), GV_OK);
    gv_served_close(served);
    for (size_t i = 0; i < 16; i++) {
        const gv_recalibration *of[GV_RATES] = {&maps[i % 4], &maps[i / 4]};
        float p[GV_RATES];
        served = opened(&s, log);
        for (size_t k = 0; k < GV_RATES; k++) {
            gv_served_recalibrate(served, (gv_rate)k, of[k]);
        }
        assert_int_equal(gv_served_write(served, s.path), GV_OK);
        gv_served_close(served);
        served = opened(&s, log);
        assert_int_equal(gv_served_price(served, &sample, 1, &p[0], &p[1]), GV_OK);
        for (size_t k = 0; k < GV_RATES; k++) {
            float expected = raw[k];
            gv_recalibration_apply(of[k], &expected, 1);
            assert_true(p[k] == expected);
            assert_int_equal(gv_served_about(served)->recalibrations[k].kind, of[k]->kind);
        }
        gv_served_close(served);
    }
    gv_log_close(log);
    gv_mem_free(s.config);
}

/* One text of the metadata replaced by another of the same length. */
static void expect_refused(const stage *s, const char *from, const char *to, const char *phrase)
{
    size_t size = 0;
    char *bytes = bytes_of(s->path, &size);
    char *at = memmem(bytes, size, from, strlen(from));
    gv_model_file *file = NULL;
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    const gv_status status = gv_model_file_open_bytes("bent", bytes, size, &file);
    assert_int_not_equal(status, GV_OK);
    if (strstr(gv_status_detail(), phrase) == NULL || strncmp(gv_status_detail(), "bent", 4) != 0) {
        fail_msg("no \"%s\" in: %s", phrase, gv_status_detail());
    }
    gv_mem_free(bytes);
}

static void a_file_that_does_not_hold_together_is_refused(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    stage s;
    gv_fit_result result;
    prepare(&s, *state, "m.safetensors", "ftrl", log);
    assert_int_equal(gv_fit(&s.work, &result), GV_OK);
    expect_refused(&s, "gavel model 1", "gavel model 2", "expected \"gavel model 1\"");
    expect_refused(&s, "\"ftrl\"", "\"frtl\"", "which this program does not know");
    expect_refused(&s, "exchange, hour", "xxxxxx,, price", "\"fields\": fields: expected");
    expect_refused(&s, "\"bits\":\"10\"", "\"bits\":\"99\"", "expected a number up to 28");
    expect_refused(&s, "ftrl.alpha", "ftrl.alpho", "no \"ftrl.alpha\"");
    expect_refused(&s, "\"none\"", "\"nine\"", "expected one like \"none\"");
    expect_refused(&s, "trained.from", "trained.frum", "no \"trained.from\"");
    gv_log_close(log);
    gv_mem_free(s.config);
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    gv_log *log = make_log(*state, "a.gvlog", 1);
    stage s;
    gv_status status = GV_ENOMEM;
    prepare(&s, *state, "m.safetensors", "ftrl", log);
    s.work.epochs = 1;
    for (int n = 0; status != GV_OK; n++) {
        gv_fit_result result;
        gv_mem_fail_after(n);
        status = gv_fit(&s.work, &result);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 200);
    }
    status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_served *served = NULL;
        const gv_sample sample = {.row = 5, .time_us = 5000000};
        float p = 0;
        gv_mem_fail_after(n);
        status = gv_served_open(s.path, 1, &served);
        if (status == GV_OK) {
            status = gv_served_bind(served, log);
        }
        if (status == GV_OK) {
            status = gv_served_price(served, &sample, 1, &p, NULL);
        }
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 200);
        gv_served_close(served);
    }
    gv_log_close(log);
    gv_mem_free(s.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_model_is_trained_written_and_served),
        test_in_folder(the_best_pass_is_kept),
        test_in_folder(the_same_seed_gives_the_same_bytes),
        test_in_folder(stopped_in_a_pass_it_leaves_those_before),
        test_in_folder(one_class_is_refused_with_a_sentence),
        test_in_folder(sampled_negatives_are_made_up_for),
        test_in_folder(recalibrations_are_kept_in_the_file),
        test_in_folder(a_file_that_does_not_hold_together_is_refused),
        test_in_folder(failing_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
