#include "scenarios/run/predictions.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "sim/base/clock.h"
#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

enum { BLOCK = GV_SERVED_BLOCK, LINE_SIZE = 256 };

static gv_status allocate(gv_predictions *to, bool tells_conversions)
{
    const size_t count = to->samples.count;
    to->pctr = gv_mem_alloc(0, count, sizeof(float));
    to->pcvr = tells_conversions ? gv_mem_alloc(0, count, sizeof(float)) : NULL;
    to->weights = gv_mem_alloc(0, count, sizeof(float));
    to->clusters = gv_mem_alloc(0, count, sizeof(uint32_t));
    to->groups = to->group_by == NULL ? NULL : gv_mem_alloc(0, count, sizeof(uint64_t));
    if (to->pctr == NULL || to->weights == NULL || to->clusters == NULL ||
        (tells_conversions && to->pcvr == NULL) || (to->group_by != NULL && to->groups == NULL)) {
        return GV_FAIL(GV_ENOMEM, "%zu predictions", count);
    }
    return GV_OK;
}

static gv_status price(gv_served *served, gv_predictions *to, const gv_progress *progress)
{
    const size_t count = to->samples.count;
    for (size_t first = 0; first < count; first += BLOCK) {
        const size_t taken = count - first < BLOCK ? count - first : BLOCK;
        if (!gv_progress_report(progress, "predicting", first, count)) {
            return GV_FAIL(GV_ESTOPPED, "predicting was stopped");
        }
        GV_TRY(gv_served_price(served, to->samples.items + first, taken, to->pctr + first,
                               to->pcvr == NULL ? NULL : to->pcvr + first));
    }
    return GV_OK;
}

/* Hours, or longer spans where there would be too many; only those with samples are numbered. */
static gv_status set_clusters(gv_predictions *to)
{
    const gv_sample *items = to->samples.items;
    const size_t count = to->samples.count;
    const int64_t first_us = items[0].time_us / GV_US_PER_HOUR * GV_US_PER_HOUR;
    int64_t unit_us = GV_US_PER_HOUR;
    while ((items[count - 1].time_us - first_us) / unit_us >= GV_QUALITY_CLUSTERS_MAX) {
        unit_us *= unit_us == GV_US_PER_HOUR ? 24 : 2;
    }
    int64_t unit = -1;
    for (size_t i = 0; i < count; i++) {
        const int64_t found = (items[i].time_us - first_us) / unit_us;
        to->cluster_count += found != unit ? 1 : 0;
        unit = found;
        to->clusters[i] = (uint32_t)to->cluster_count - 1;
    }
    to->cluster_us = unit_us;
    return GV_OK;
}

/* One number for a cell, the same for the same value. */
static uint64_t value_of(const gv_log_column *column, uint64_t row)
{
    if (gv_log_column_kind(column) == GV_LOG_INTEGER) {
        return (uint64_t)gv_log_integers(column)[row];
    }
    size_t size = 0;
    const char *text = gv_log_text(column, row, &size);
    return gv_hash(text, size);
}

static gv_status set_groups(gv_predictions *to, const gv_log *log)
{
    const gv_log_column *columns[2] = {gv_log_find(log, GV_LOG_IMPRESSION, to->group_by),
                                       gv_log_find(log, GV_LOG_ORPHAN_CLICK, to->group_by)};
    for (size_t i = 0; i < to->samples.count; i++) {
        const gv_sample *sample = &to->samples.items[i];
        const gv_log_column *column = columns[sample->is_orphan ? 1 : 0];
        assert(column != NULL);
        GV_TRY(gv_log_check(column, sample->row, 1));
        to->groups[i] = value_of(column, sample->row);
    }
    return GV_OK;
}

static gv_status choose_groups(gv_predictions *to, const gv_log *log, const char *group_by)
{
    const char *name = group_by == NULL ? gv_log_role_name(GV_ROLE_USER) : group_by;
    const gv_log_column *column = gv_log_find(log, GV_LOG_IMPRESSION, name);
    const bool has_orphans = gv_log_rows(log, GV_LOG_ORPHAN_CLICK) > 0;
    const bool is_there = column != NULL && gv_log_column_kind(column) != GV_LOG_REAL &&
                          (!has_orphans || gv_log_find(log, GV_LOG_ORPHAN_CLICK, name) != NULL);
    if (!is_there && group_by != NULL) {
        return GV_FAIL(GV_ENOTFOUND,
                       "%s: there is no column '%s' of texts or whole numbers to group by: `gavel "
                       "inspect` shows what there is",
                       gv_log_path(log), name);
    }
    to->group_by = is_there ? name : NULL;
    return GV_OK;
}

static gv_status fill(gv_predictions *to, gv_served *served, const gv_predictor_training *training,
                      const gv_progress *progress)
{
    const gv_log *log = training->log;
    if (to->samples.count == 0) {
        return GV_FAIL(GV_EINVAL, "%s: no impression and no click in the span", gv_log_path(log));
    }
    GV_TRY(allocate(to, gv_served_about(served)->type->tells_conversions));
    GV_TRY(price(served, to, progress));
    for (size_t i = 0; i < to->samples.count; i++) {
        const bool is_clicked = to->samples.items[i].is_clicked;
        to->weights[i] = is_clicked ? 1 : (float)training->impression_weight;
    }
    GV_TRY(set_clusters(to));
    return to->groups == NULL ? GV_OK : set_groups(to, log);
}

gv_status gv_predictions_make(gv_served *served, const gv_predictor_training *training,
                              const char *group_by, const gv_progress *progress,
                              gv_predictions *out)
{
    gv_predictions made = {.cluster_count = 0};
    GV_TRY(choose_groups(&made, training->log, group_by));
    GV_TRY(gv_served_bind(served, training->log));
    gv_status status = gv_samples_gather(training, "reading samples", progress, &made.samples);
    if (status == GV_OK) {
        status = fill(&made, served, training, progress);
    }
    if (status != GV_OK) {
        gv_predictions_fini(&made);
        return status;
    }
    *out = made;
    return GV_OK;
}

void gv_predictions_fini(gv_predictions *predictions)
{
    gv_samples_fini(&predictions->samples);
    gv_mem_free(predictions->pctr);
    gv_mem_free(predictions->pcvr);
    gv_mem_free(predictions->weights);
    gv_mem_free(predictions->clusters);
    gv_mem_free(predictions->groups);
    *predictions = (gv_predictions){.cluster_count = 0};
}

gv_status gv_predictions_check_rate(const gv_served *served, const char *path, gv_rate rate)
{
    const gv_model_type *type = gv_served_about(served)->type;
    if (rate == GV_RATE_CONVERSION && !type->tells_conversions) {
        return GV_FAIL(GV_EINVAL,
                       "%s: a model of type %s tells of no conversions: train one that does, such "
                       "as infnet or mlp",
                       path, type->info.name);
    }
    return GV_OK;
}

static gv_status allocate_judged(gv_judged *to, size_t count, bool has_groups)
{
    to->p = gv_mem_alloc(0, count, sizeof *to->p);
    to->labels = gv_mem_alloc(0, count, sizeof *to->labels);
    to->weights = gv_mem_alloc(0, count, sizeof *to->weights);
    to->clusters = gv_mem_alloc(0, count, sizeof *to->clusters);
    to->groups = has_groups ? gv_mem_alloc(0, count, sizeof *to->groups) : NULL;
    if (to->p == NULL || to->labels == NULL || to->weights == NULL || to->clusters == NULL ||
        (has_groups && to->groups == NULL)) {
        return GV_FAIL(GV_ENOMEM, "%zu predictions to judge", count);
    }
    return GV_OK;
}

static void add_judged(const gv_predictions *from, size_t i, gv_rate rate, gv_judged *to)
{
    const bool of_clicks = rate == GV_RATE_CLICK;
    const gv_sample *sample = &from->samples.items[i];
    const bool is_positive = of_clicks ? sample->is_clicked : sample->is_converted;
    const size_t at = to->count++;
    to->positives += is_positive ? 1 : 0;
    to->p[at] = of_clicks ? from->pctr[i] : from->pcvr[i];
    to->labels[at] = is_positive ? 1 : 0;
    to->weights[at] = of_clicks ? from->weights[i] : 1;
    to->clusters[at] = (uint32_t)to->cluster_count - 1;
    if (to->groups != NULL) {
        to->groups[at] = from->groups[i];
    }
}

gv_status gv_predictions_choose(const gv_predictions *from, gv_rate rate, gv_judged *out)
{
    gv_judged made = {.count = 0};
    uint32_t cluster = UINT32_MAX;
    assert(rate == GV_RATE_CLICK || from->pcvr != NULL);
    const gv_status status = allocate_judged(&made, from->samples.count, from->groups != NULL);
    if (status != GV_OK) {
        gv_judged_fini(&made);
        return status;
    }
    for (size_t i = 0; i < from->samples.count; i++) {
        if (rate == GV_RATE_CLICK || from->samples.items[i].is_clicked) {
            made.cluster_count += from->clusters[i] != cluster ? 1 : 0;
            cluster = from->clusters[i];
            add_judged(from, i, rate, &made);
        }
    }
    *out = made;
    return GV_OK;
}

void gv_judged_fini(gv_judged *judged)
{
    gv_mem_free(judged->p);
    gv_mem_free(judged->labels);
    gv_mem_free(judged->weights);
    gv_mem_free(judged->clusters);
    gv_mem_free(judged->groups);
    *judged = (gv_judged){.count = 0};
}

gv_status gv_judged_measure(const gv_judged *judged, const gv_quality_config *config,
                            gv_quality *out)
{
    const gv_quality_data data = {.count = judged->count,
                                  .p = judged->p,
                                  .labels = judged->labels,
                                  .weights = judged->weights,
                                  .clusters = judged->clusters,
                                  .cluster_count = judged->cluster_count,
                                  .groups = judged->groups};
    return gv_quality_measure(&data, config, out);
}

static gv_status write_lines(const gv_predictions *from, const gv_log *log, gv_file_writer *writer)
{
    static const char heading[] = "table,row,time,clicked,converted,weight,pctr,pcvr\n";
    GV_TRY(gv_file_write(writer, heading, sizeof heading - 1));
    for (size_t i = 0; i < from->samples.count; i++) {
        const gv_sample *sample = &from->samples.items[i];
        char time[64];
        char pcvr[32] = "";
        char line[LINE_SIZE];
        gv_time_print(sample->time_us, gv_log_zone_us(log), time, sizeof time);
        if (from->pcvr != NULL) {
            (void)snprintf(pcvr, sizeof pcvr, "%.9g", (double)from->pcvr[i]);
        }
        const gv_log_table table = sample->is_orphan ? GV_LOG_ORPHAN_CLICK : GV_LOG_IMPRESSION;
        const int size = snprintf(line, sizeof line, "%s,%" PRIu64 ",%s,%d,%d,%.9g,%.9g,%s\n",
                                  gv_log_table_name(table), sample->row, time,
                                  sample->is_clicked ? 1 : 0, sample->is_converted ? 1 : 0,
                                  (double)from->weights[i], (double)from->pctr[i], pcvr);
        GV_TRY(gv_file_write(writer, line, (size_t)size));
    }
    return GV_OK;
}

gv_status gv_predictions_write_csv(const gv_predictions *predictions, const gv_log *log,
                                   const char *path)
{
    gv_file_writer *writer = NULL;
    GV_TRY(gv_file_writer_create(path, &writer));
    const gv_status status = write_lines(predictions, log, writer);
    if (status != GV_OK) {
        gv_file_abandon(writer);
        return status;
    }
    return gv_file_commit(writer);
}
