/* What every model of clicks keeps; FTRL beside a slow double-precision reference of its own. */
#include <math.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "models/predict/model.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "test_folder.h"

enum { ROWS = 400, FIELDS = 3, BUCKETS = 64, PER_ROW = 4, PAST = 3 };

typedef struct made {
    uint32_t starts[ROWS * FIELDS + 1];
    uint32_t buckets[ROWS * PER_ROW];
    uint32_t past_counts[ROWS];
    uint32_t past_buckets[ROWS * PAST];
    float past_ages[ROWS * PAST];
    float clicks[ROWS];
    float conversions[ROWS];
    float weights[ROWS];
    uint32_t order[ROWS];
    gv_examples view;
} made;

/* Field 0 has one value of 8, field 1 two of 16, field 2 one of 8; odd ones of field 0 are clicked
   more often. */
static void make(made *m, uint64_t seed)
{
    uint32_t used = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        const uint32_t kind = (uint32_t)gv_random_below(&random, 0, 8);
        m->starts[i * FIELDS] = used;
        m->buckets[used++] = kind;
        m->starts[i * FIELDS + 1] = used;
        m->buckets[used++] = 8 + (uint32_t)gv_random_below(&random, 1, 16);
        m->buckets[used++] = 8 + (uint32_t)gv_random_below(&random, 2, 16);
        m->starts[i * FIELDS + 2] = used;
        m->buckets[used++] = 24 + (uint32_t)gv_random_below(&random, 3, 8);
        m->clicks[i] = gv_random_bernoulli(&random, 4, kind % 2 == 1 ? 0.6 : 0.1) ? 1 : 0;
        m->conversions[i] = m->clicks[i] > 0 && gv_random_bernoulli(&random, 5, 0.3) ? 1 : 0;
        m->weights[i] = (float)(0.5 + gv_random_uniform(&random, 6));
        m->past_counts[i] = (uint32_t)gv_random_below(&random, 7, PAST + 1);
        for (size_t e = 0; e < PAST; e++) {
            m->past_buckets[i * PAST + e] = (uint32_t)gv_random_below(&random, 8 + e, 8);
            m->past_ages[i * PAST + e] = (float)(PAST - e);
        }
        m->order[i] = (uint32_t)((i * 37) % ROWS);
    }
    m->starts[(size_t)ROWS * FIELDS] = used;
    m->view = (gv_examples){.shape = {.field_count = FIELDS,
                                      .bucket_count = BUCKETS,
                                      .past_length = PAST,
                                      .past_field_count = 1},
                            .count = ROWS,
                            .starts = m->starts,
                            .buckets = m->buckets,
                            .past_counts = m->past_counts,
                            .past_buckets = m->past_buckets,
                            .past_ages = m->past_ages,
                            .clicks = m->clicks,
                            .conversions = m->conversions,
                            .weights = m->weights};
}

static void *config_of(const gv_model_type *type)
{
    void *config = gv_mem_alloc(0, 1, type->info.config_size);
    assert_non_null(config);
    gv_param_defaults(type->info.params, config);
    return config;
}

static void set(const gv_model_type *type, void *config, const char *name, const char *text)
{
    const gv_param *row = gv_param_find(type->info.params, name);
    assert_non_null(row);
    assert_int_equal(gv_param_parse(row, text, 0, config), GV_OK);
}

static gv_model *created(const gv_model_type *type, const void *config, size_t jobs, bool learns)
{
    const gv_model_setup setup = {.config = config,
                                  .shape = {.field_count = FIELDS,
                                            .bucket_count = BUCKETS,
                                            .past_length = PAST,
                                            .past_field_count = 1},
                                  .seed = 5,
                                  .jobs = jobs,
                                  .learns = learns};
    gv_model *model = NULL;
    assert_int_equal(gv_model_create(type, &setup, &model), GV_OK);
    return model;
}

static double learn(gv_model *model, const made *m, int epochs)
{
    double loss = 0;
    for (int e = 0; e < epochs; e++) {
        assert_int_equal(gv_model_learn(model, &m->view, m->order, ROWS, &loss), GV_OK);
    }
    return loss;
}

/* Log loss of a constant at the rate of clicks. */
static double entropy_of(const made *m)
{
    double clicks = 0;
    double all = 0;
    for (size_t i = 0; i < ROWS; i++) {
        clicks += (double)m->weights[i] * (double)m->clicks[i];
        all += (double)m->weights[i];
    }
    const double r = clicks / all;
    return -r * log(r) - (1 - r) * log(1 - r);
}

/* Of clicks; what learn() tells may hold conversions, too. */
static double click_loss(gv_model *model, const made *m)
{
    float p[ROWS];
    double sum = 0;
    double all = 0;
    assert_int_equal(gv_model_predict(model, &m->view, p, NULL), GV_OK);
    for (size_t i = 0; i < ROWS; i++) {
        const double right = m->clicks[i] > 0 ? (double)p[i] : 1 - (double)p[i];
        sum -= (double)m->weights[i] * log(right);
        all += (double)m->weights[i];
    }
    return sum / all;
}

/* ---- every type ------------------------------------------------------------------------------ */

static void every_model_learns_what_is_there(void **state)
{
    (void)state;
    static made m;
    make(&m, 1);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        void *config = config_of(*type);
        gv_model *model = created(*type, config, 1, true);
        (void)learn(model, &m, 1);
        const double first = click_loss(model, &m);
        (void)learn(model, &m, 99);
        const double last = click_loss(model, &m);
        printf("%s: %.4f, then %.4f; a constant %.4f\n", (*type)->info.name, first, last,
               entropy_of(&m));
        assert_true(last < first);
        assert_true(last < 0.9 * entropy_of(&m));
        assert_ptr_equal(gv_model_find((*type)->info.name), *type);
        assert_true(gv_model_usual_epochs(*type) >= 1);
        gv_model_destroy(model);
        gv_mem_free(config);
    }
    assert_null(gv_model_find("no_such_model"));
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static made m;
    make(&m, 2);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        void *config = config_of(*type);
        float p[2][ROWS];
        for (size_t jobs = 1; jobs <= 2; jobs++) {
            gv_model *model = created(*type, config, jobs, true);
            (void)learn(model, &m, 2);
            assert_int_equal(gv_model_predict(model, &m.view, p[jobs - 1], NULL), GV_OK);
            gv_model_destroy(model);
        }
        assert_memory_equal(p[0], p[1], sizeof p[0]);
        gv_mem_free(config);
    }
}

/* Alone as among others. */
static void a_prediction_depends_on_its_own_row(void **state)
{
    (void)state;
    static made m;
    make(&m, 3);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        void *config = config_of(*type);
        float all[ROWS];
        gv_model *model = created(*type, config, 1, true);
        (void)learn(model, &m, 2);
        assert_int_equal(gv_model_predict(model, &m.view, all, NULL), GV_OK);
        for (size_t i = 0; i < ROWS; i += 57) {
            gv_examples one = m.view;
            float p = 0;
            float pcvr = 0;
            one.count = 1;
            one.starts = m.starts + i * FIELDS;
            one.past_counts = m.past_counts + i;
            one.past_buckets = m.past_buckets + i * PAST;
            one.past_ages = m.past_ages + i * PAST;
            assert_int_equal(gv_model_predict(model, &one, &p, &pcvr), GV_OK);
            assert_true(p == all[i]);
            assert_true((*type)->tells_conversions || pcvr == 1);
        }
        gv_model_destroy(model);
        gv_mem_free(config);
    }
}

static void a_model_comes_back_from_its_tensors(void **state)
{
    static made m;
    char path[TEST_PATH_SIZE];
    make(&m, 4);
    test_folder_path(*state, "m.safetensors", path);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        void *config = config_of(*type);
        float before[ROWS];
        float after[ROWS];
        gv_tensor tensors[GV_MODEL_TENSORS_MAX];
        gv_model_tensors list = {.tensors = tensors};
        gv_safetensors *file = NULL;
        gv_model *model = created(*type, config, 1, true);
        gv_model *other = created(*type, config, 1, false);
        (void)learn(model, &m, 3);
        assert_int_equal(gv_model_predict(model, &m.view, before, NULL), GV_OK);
        gv_model_list_tensors(model, &list);
        assert_int_equal(gv_safetensors_write(path, tensors, list.count, NULL, 0), GV_OK);
        assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
        assert_int_equal(gv_model_restore(other, file), GV_OK);
        assert_int_equal(gv_model_predict(other, &m.view, after, NULL), GV_OK);
        assert_memory_equal(before, after, sizeof before);
        gv_safetensors_close(file);
        gv_model_destroy(model);
        gv_model_destroy(other);
        gv_mem_free(config);
    }
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static made m;
    make(&m, 5);
    for (const gv_model_type *const *type = gv_model_types; *type != NULL; type++) {
        void *config = config_of(*type);
        const gv_model_setup setup = {
            .config = config, .shape = m.view.shape, .seed = 1, .jobs = 1, .learns = true};
        gv_status status = GV_ENOMEM;
        for (int n = 0; status != GV_OK; n++) {
            gv_model *model = NULL;
            double loss = 0;
            gv_mem_fail_after(n);
            status = gv_model_create(*type, &setup, &model);
            if (status == GV_OK) {
                status = gv_model_learn(model, &m.view, m.order, ROWS, &loss);
            }
            gv_mem_fail_after(-1);
            assert_true(status == GV_OK || status == GV_ENOMEM);
            assert_true(n < 2000);
            gv_model_destroy(model);
        }
        gv_mem_free(config);
    }
}

/* ---- FTRL ------------------------------------------------------------------------------------ */

typedef struct reference {
    double z[BUCKETS + 1];
    double n[BUCKETS + 1]; /* the last of each is the constant's */
} reference;

static double reference_weight(const reference *r, size_t i, double alpha, double beta, double l1,
                               double l2)
{
    const double pull = i == BUCKETS ? 0 : l1;
    const double ridge = i == BUCKETS ? 0 : l2;
    if (fabs(r->z[i]) <= pull) {
        return 0;
    }
    const double sign = r->z[i] < 0 ? -1 : 1;
    return -(r->z[i] - sign * pull) / ((beta + sqrt(r->n[i])) / alpha + ridge);
}

/* Algorithm 1 as it is printed, in double precision, with w made anew from z and n each time. */
static void reference_learn(reference *r, const made *m, const double *rate)
{
    for (size_t k = 0; k < ROWS; k++) {
        const size_t row = m->order[k];
        const uint32_t first = m->starts[row * FIELDS];
        const uint32_t end = m->starts[(row + 1) * FIELDS];
        double logit = reference_weight(r, BUCKETS, rate[0], rate[1], rate[2], rate[3]);
        for (uint32_t i = first; i < end; i++) {
            logit += reference_weight(r, m->buckets[i], rate[0], rate[1], rate[2], rate[3]);
        }
        const double p = 1 / (1 + exp(-logit));
        const double g = (double)m->weights[row] * (p - (double)m->clicks[row]);
        for (uint32_t i = first; i <= end; i++) {
            const size_t at = i == end ? BUCKETS : m->buckets[i];
            const double w = reference_weight(r, at, rate[0], rate[1], rate[2], rate[3]);
            const double sigma = (sqrt(r->n[at] + g * g) - sqrt(r->n[at])) / rate[0];
            r->z[at] += g - sigma * w;
            r->n[at] += g * g;
        }
    }
}

static void ftrl_is_its_algorithm(void **state)
{
    (void)state;
    static made m;
    make(&m, 6);
    const gv_model_type *type = gv_model_find("ftrl");
    void *config = config_of(type);
    set(type, config, "alpha", "0.2");
    set(type, config, "beta", "0.7");
    set(type, config, "l1", "1.5");
    set(type, config, "l2", "0.3");
    const double rate[] = {0.2, 0.7, 1.5, 0.3};
    reference r = {.z = {0}};
    float p[ROWS];
    gv_model *model = created(type, config, 1, true);
    (void)learn(model, &m, 4);
    for (int e = 0; e < 4; e++) {
        reference_learn(&r, &m, rate);
    }
    assert_int_equal(gv_model_predict(model, &m.view, p, NULL), GV_OK);
    size_t zeros = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        zeros += reference_weight(&r, b, rate[0], rate[1], rate[2], rate[3]) == 0 ? 1 : 0;
    }
    assert_true(zeros > 32 && zeros < 60); /* l1 is at work */
    for (size_t row = 0; row < ROWS; row++) {
        double logit = reference_weight(&r, BUCKETS, rate[0], rate[1], rate[2], rate[3]);
        for (uint32_t i = m.starts[(size_t)row * FIELDS]; i < m.starts[(row + 1) * FIELDS]; i++) {
            logit += reference_weight(&r, m.buckets[i], rate[0], rate[1], rate[2], rate[3]);
        }
        assert_true(fabs((double)p[row] - 1 / (1 + exp(-logit))) < 2e-5);
    }
    gv_model_destroy(model);
    gv_mem_free(config);
}

/* With so large an l1 only the constant is left: every prediction is one, near the rate. */
static void ftrl_with_a_large_l1_knows_the_rate_alone(void **state)
{
    (void)state;
    static made m;
    make(&m, 7);
    const gv_model_type *type = gv_model_find("ftrl");
    void *config = config_of(type);
    set(type, config, "l1", "1e6");
    set(type, config, "alpha", "0.5");
    float p[ROWS];
    double clicks = 0;
    double all = 0;
    gv_tensor tensors[GV_MODEL_TENSORS_MAX];
    gv_model_tensors list = {.tensors = tensors};
    gv_model *model = created(type, config, 1, true);
    (void)learn(model, &m, 200);
    assert_int_equal(gv_model_predict(model, &m.view, p, NULL), GV_OK);
    gv_model_list_tensors(model, &list);
    assert_int_equal(tensors[1].shape[0], 0);
    for (size_t i = 0; i < ROWS; i++) {
        clicks += (double)m.weights[i] * (double)m.clicks[i];
        all += (double)m.weights[i];
        assert_true(p[i] == p[0]);
    }
    assert_true(fabs((double)p[0] - clicks / all) < 0.01);
    gv_model_destroy(model);
    gv_mem_free(config);
}

/* Before anything is learnt, and for a row of buckets that never were: the constant alone. */
static void ftrl_knows_nothing_of_what_it_never_met(void **state)
{
    (void)state;
    static made m;
    make(&m, 8);
    const gv_model_type *type = gv_model_find("ftrl");
    void *config = config_of(type);
    float p[ROWS];
    gv_model *model = created(type, config, 1, true);
    assert_int_equal(gv_model_predict(model, &m.view, p, NULL), GV_OK);
    assert_true(p[0] == 0.5F);
    (void)learn(model, &m, 3);
    static made unseen;
    make(&unseen, 8);
    for (size_t i = 0; i < sizeof unseen.buckets / sizeof unseen.buckets[0]; i++) {
        unseen.buckets[i] = 40 + (uint32_t)(i % 20);
    }
    gv_tensor tensors[GV_MODEL_TENSORS_MAX];
    gv_model_tensors list = {.tensors = tensors};
    gv_model_list_tensors(model, &list);
    const double constant = (double)*(const float *)tensors[0].data;
    assert_int_equal(gv_model_predict(model, &unseen.view, p, NULL), GV_OK);
    assert_true(fabs((double)p[9] - 1 / (1 + exp(-constant))) < 1e-6);
    gv_model_destroy(model);
    gv_mem_free(config);
}

static void ftrl_refuses_a_file_of_another_shape(void **state)
{
    char path[TEST_PATH_SIZE];
    const uint32_t wrong[3][2] = {{3, BUCKETS}, {5, 5}, {6, 2}};
    const float weights[2] = {1, 2};
    const gv_model_type *type = gv_model_find("ftrl");
    void *config = config_of(type);
    test_folder_path(*state, "wrong.safetensors", path);
    for (size_t i = 0; i < 3; i++) {
        gv_safetensors *file = NULL;
        gv_model *model = created(type, config, 1, false);
        const gv_tensor tensors[] = {
            {.name = "constant", .type = GV_TENSOR_F32, .data = weights},
            {.name = "buckets", .type = GV_TENSOR_U32, .rank = 1, .shape = {2}, .data = wrong[i]},
            {.name = "weights", .type = GV_TENSOR_F32, .rank = 1, .shape = {2}, .data = weights}};
        assert_int_equal(gv_safetensors_write(path, tensors, 3, NULL, 0), GV_OK);
        assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
        assert_int_equal(gv_model_restore(model, file), GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "expected ascending numbers below 64"));
        gv_safetensors_close(file);
        gv_model_destroy(model);
    }
    gv_mem_free(config);
}

/* ---- FM -------------------------------------------------------------------------------------- */

enum { FACTORS = 4, NUMBERS = 1 + BUCKETS + BUCKETS * FACTORS };

/* All numbers of a model in double precision: the constant, weights, vectors. */
static void fm_numbers(const gv_model *model, double *numbers)
{
    gv_tensor tensors[GV_MODEL_TENSORS_MAX];
    gv_model_tensors list = {.tensors = tensors};
    gv_model_list_tensors(model, &list);
    const uint32_t *buckets = tensors[1].data;
    const float *linear = tensors[2].data;
    const float *vectors = tensors[3].data;
    memset(numbers, 0, NUMBERS * sizeof *numbers);
    numbers[0] = (double)*(const float *)tensors[0].data;
    for (size_t i = 0; i < tensors[1].shape[0]; i++) {
        numbers[1 + buckets[i]] = (double)linear[i];
        for (size_t f = 0; f < FACTORS; f++) {
            numbers[1 + BUCKETS + buckets[i] * FACTORS + f] = (double)vectors[i * FACTORS + f];
        }
    }
}

/* The logit by every pair, as the definition has it. */
static double fm_logit(const double *numbers, const made *m, size_t row)
{
    const uint32_t first = m->starts[row * FIELDS];
    const uint32_t end = m->starts[(row + 1) * FIELDS];
    double logit = numbers[0];
    for (uint32_t i = first; i < end; i++) {
        const double *a = numbers + 1 + BUCKETS + (size_t)m->buckets[i] * FACTORS;
        logit += numbers[1 + m->buckets[i]];
        for (uint32_t j = i + 1; j < end; j++) {
            const double *b = numbers + 1 + BUCKETS + (size_t)m->buckets[j] * FACTORS;
            for (size_t f = 0; f < FACTORS; f++) {
                logit += a[f] * b[f];
            }
        }
    }
    return logit;
}

static double fm_loss(const double *numbers, const made *m, size_t row)
{
    const double z = fm_logit(numbers, m, row);
    const double y = (double)m->clicks[row];
    return (double)m->weights[row] * (fmax(z, 0) - z * y + log1p(exp(-fabs(z))));
}

static void *fm_config_of(const gv_model_type *type, const char *beta)
{
    void *config = config_of(type);
    set(type, config, "factors", "4");
    set(type, config, "l2", "0");
    set(type, config, "l2_factors", "0");
    set(type, config, "rate", "0.1");
    set(type, config, "beta", beta);
    set(type, config, "spread", "0.3");
    return config;
}

static void fm_is_its_sum_over_pairs(void **state)
{
    (void)state;
    static made m;
    make(&m, 9);
    const gv_model_type *type = gv_model_find("fm");
    void *config = fm_config_of(type, "1");
    double numbers[NUMBERS];
    float p[ROWS];
    gv_model *model = created(type, config, 1, true);
    (void)learn(model, &m, 5);
    fm_numbers(model, numbers);
    assert_int_equal(gv_model_predict(model, &m.view, p, NULL), GV_OK);
    for (size_t row = 0; row < ROWS; row++) {
        assert_true(fabs((double)p[row] - 1 / (1 + exp(-fm_logit(numbers, &m, row)))) < 1e-6);
    }
    gv_model_destroy(model);
    gv_mem_free(config);
}

/*
 * With so large a beta that what was seen hardly counts, a step is rate / beta times the gradient:
 * what a row moved, against central differences of its loss.
 */
static void fm_goes_down_its_gradient(void **state)
{
    (void)state;
    static made m;
    make(&m, 10);
    const gv_model_type *type = gv_model_find("fm");
    void *config = fm_config_of(type, "1e5");
    set(type, config, "rate", "1e4");
    double before[NUMBERS];
    double after[NUMBERS];
    double loss = 0;
    gv_model *model = created(type, config, 1, true);
    (void)learn(model, &m, 3); /* every bucket is met, and numbers are no longer small */
    size_t checked = 0;
    for (uint32_t row = 0; row < 20; row++) {
        const uint32_t first = m.starts[(size_t)row * FIELDS];
        if (m.buckets[first + 1] == m.buckets[first + 2]) {
            continue; /* twice the same is two steps, the second from where the first led */
        }
        fm_numbers(model, before);
        assert_int_equal(gv_model_learn(model, &m.view, &row, 1, &loss), GV_OK);
        assert_true(fabs(loss * (double)m.weights[row] - fm_loss(before, &m, row)) < 1e-5);
        fm_numbers(model, after);
        for (size_t i = 0; i < NUMBERS; i++) {
            double moved[NUMBERS];
            memcpy(moved, before, sizeof moved);
            moved[i] = before[i] + 1e-5;
            const double up = fm_loss(moved, &m, row);
            moved[i] = before[i] - 1e-5;
            const double slope = (up - fm_loss(moved, &m, row)) / 2e-5;
            const double expected = -0.1 * slope;
            assert_true(fabs(after[i] - before[i] - expected) < 0.002 * fabs(expected) + 1e-6);
            checked += fabs(expected) > 1e-3 ? 1 : 0;
        }
    }
    assert_true(checked > 100);
    gv_model_destroy(model);
    gv_mem_free(config);
}

/* Only pairs tell: clicked where both are odd or both even. Lines see nothing of it. */
static void fm_learns_a_pair_that_lines_cannot(void **state)
{
    (void)state;
    static made m;
    make(&m, 11);
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t *row = m.buckets + m.starts[i * FIELDS];
        m.clicks[i] = (row[0] + row[3]) % 2 == 0 ? 1 : 0;
    }
    const gv_model_type *types[] = {gv_model_find("ftrl"), gv_model_find("fm")};
    double losses[2];
    for (size_t t = 0; t < 2; t++) {
        void *config = config_of(types[t]);
        if (t == 1) {
            set(types[t], config, "rate", "0.3");
        }
        gv_model *model = created(types[t], config, 1, true);
        losses[t] = learn(model, &m, 100);
        gv_model_destroy(model);
        gv_mem_free(config);
    }
    printf("ftrl %.4f, fm %.4f\n", losses[0], losses[1]);
    assert_true(losses[0] > 0.55);
    assert_true(losses[1] < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_learns_what_is_there),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_prediction_depends_on_its_own_row),
        test_in_folder(a_model_comes_back_from_its_tensors),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
        cmocka_unit_test(ftrl_is_its_algorithm),
        cmocka_unit_test(ftrl_with_a_large_l1_knows_the_rate_alone),
        cmocka_unit_test(ftrl_knows_nothing_of_what_it_never_met),
        test_in_folder(ftrl_refuses_a_file_of_another_shape),
        cmocka_unit_test(fm_is_its_sum_over_pairs),
        cmocka_unit_test(fm_goes_down_its_gradient),
        cmocka_unit_test(fm_learns_a_pair_that_lines_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
