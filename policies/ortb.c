#include <math.h>

#include "policies/ortb_impl.h"
#include "policies/plan_impl.h"
#include "policies/price_impl.h"
#include "policies/tune_impl.h"
#include "sim/base/money.h"

enum { GRID_POINTS = 65, SECTIONS = 40 };

const gv_param gv_ortb_params[] = {
    {.name = "c",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(gv_ortb_config, c_nanos),
     .help = "constant of the win curve, above 0; auto: least squares to the history's win curve",
     .source = "c of Zhang, Yuan and Wang, KDD 2014; the fit's weights are ours"},
    {.name = "lambda",
     .kind = GV_PARAM_REAL,
     .unit = "clicks/CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(gv_ortb_config, lambda),
     .help = "multiplier of the budget, above 0; auto: the history then spends the budget",
     .source = "lambda of Zhang, Yuan and Wang, KDD 2014"},
    {.name = "rate_from",
     .kind = GV_PARAM_CHOICE,
     .fallback = "auto",
     .choices = gv_plan_rate_choices,
     .offset = offsetof(gv_ortb_config, rate_from),
     .help = GV_PLAN_RATE_HELP,
     .source = "ours: it only centres the search for lambda"},
    {0},
};

/* Sum of squares between the curve and the landscape, over the steps up to the top price. */
static double misfit(const gv_ortb_curve *curve, const gv_history *history, double c)
{
    const double step = (double)history->price_step_nanos / (double)GV_NANOS_PER_CPM;
    double total = 0;
    for (size_t i = 0; i < history->price_count; i++) {
        total += (double)history->price_counts[i];
    }
    double won = 0;
    double squares = 0;
    for (size_t i = 0; i < history->price_count; i++) {
        won += (double)history->price_counts[i];
        const double error = curve->win((double)i * step, c) - won / total;
        squares += error * error;
    }
    return squares;
}

/* The best c between low and high by golden sections, in log c. */
static double narrow(const gv_ortb_curve *curve, const gv_history *history, double low, double high)
{
    const double golden = (sqrt(5) - 1) / 2;
    double a = log(low);
    double b = log(high);
    for (int i = 0; i < SECTIONS; i++) {
        const double left = b - golden * (b - a);
        const double right = a + golden * (b - a);
        if (misfit(curve, history, exp(left)) <= misfit(curve, history, exp(right))) {
            b = right;
        } else {
            a = left;
        }
    }
    return exp((a + b) / 2);
}

static double fit_c(const gv_ortb_curve *curve, const gv_history *history)
{
    const double top = gv_plan_top_price(history) / (double)GV_NANOS_PER_CPM;
    const double low = top / 1024;
    const double ratio = pow(1024 * 16, 1.0 / (GRID_POINTS - 1));
    double best = low;
    double least = HUGE_VAL;
    for (int i = 0; i < GRID_POINTS; i++) {
        const double c = low * pow(ratio, i);
        const double squares = misfit(curve, history, c);
        best = squares < least ? c : best;
        least = fmin(least, squares);
    }
    return narrow(curve, history, best / ratio, best * ratio);
}

/* The config first: a trial is handed the whole as one. */
typedef struct draft {
    gv_ortb_config config;
    const gv_ortb_curve *curve;
    double click_rate;
} draft;

/* x: the bid for an impression of mean pCTR, nanos. */
static void set_mean_bid(void *config, double x)
{
    draft *d = config;
    const double c = (double)d->config.c_nanos / (double)GV_NANOS_PER_CPM;
    d->config.lambda = d->click_rate / d->curve->ratio(x / (double)GV_NANOS_PER_CPM, c);
}

static double mean_bid(const void *config)
{
    const draft *d = config;
    const double c = (double)d->config.c_nanos / (double)GV_NANOS_PER_CPM;
    return d->curve->bid(d->click_rate / d->config.lambda, c) * (double)GV_NANOS_PER_CPM;
}

static gv_status fit_lambda(draft *d, const gv_fit_input *input, const gv_progress *progress)
{
    const char *name = d->curve->name;
    GV_TRY(gv_plan_click_rate(input->history, name, &d->config.rate_from, &d->click_rate));
    gv_tune tune = {.what = name,
                    .input = input,
                    .progress = progress,
                    .config = d,
                    .set = set_mean_bid,
                    .mean_bid = mean_bid,
                    .click_rate = d->click_rate};
    const double top = gv_plan_top_price(input->history);
    double bid = 0;
    GV_TRY(gv_tune_spend(&tune, top / 4096, top * 64, &bid));
    set_mean_bid(d, bid);
    return GV_OK;
}

gv_status gv_ortb_fit(const gv_ortb_curve *curve, gv_ortb_config *config, const gv_fit_input *input,
                      const gv_progress *progress)
{
    draft d = {.config = *config, .curve = curve};
    if (d.config.c_nanos == GV_PARAM_UNSET) {
        GV_TRY(gv_plan_need(input->history, curve->name, "c"));
        const double nanos = fit_c(curve, input->history) * (double)GV_NANOS_PER_CPM;
        d.config.c_nanos = gv_price_round(fmax(1, round(nanos)));
    }
    if (isnan(d.config.lambda)) {
        if (d.config.c_nanos == 0) {
            return GV_FAIL(GV_EINVAL, "%s: c is 0; give one above 0", curve->name);
        }
        GV_TRY(fit_lambda(&d, input, progress));
    }
    *config = d.config;
    return GV_OK;
}

gv_status gv_ortb_init(const gv_ortb_curve *curve, const gv_policy_setup *setup,
                       gv_ortb_state *state)
{
    const gv_ortb_config *config = setup->config;
    if (config->c_nanos == GV_PARAM_UNSET || isnan(config->lambda)) {
        return GV_FAIL(GV_EINVAL, "%s: %s is not set and was not fitted", curve->name,
                       isnan(config->lambda) ? "lambda" : "c");
    }
    if (config->c_nanos == 0 || !(config->lambda > 0)) {
        return GV_FAIL(GV_EINVAL, "%s: %s is 0; give one above 0", curve->name,
                       config->c_nanos == 0 ? "c" : "lambda");
    }
    const double c = (double)config->c_nanos / (double)GV_NANOS_PER_CPM;
    *state = (gv_ortb_state){.c = c, .lambda = config->lambda};
    return GV_OK;
}
