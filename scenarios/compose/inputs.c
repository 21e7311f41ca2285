#include "scenarios/compose/inputs.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/param.h"
#include "sim/log/ingest.h"
#include "sim/log/reader.h"

enum { FORMATS_MAX = 32 };

static gv_status add_input(gv_inputs *inputs, const char *path, const char *kind, uint64_t hash)
{
    if (inputs->count == GV_INPUTS_MAX) {
        return GV_FAIL(GV_EUSAGE, "more than %d input files", GV_INPUTS_MAX);
    }
    const char *copy = gv_region_text(inputs->region, path, strlen(path));
    if (copy == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the names of inputs");
    }
    inputs->items[inputs->count++] = (gv_input){.path = copy, .hash = hash, .kind = kind};
    return GV_OK;
}

static gv_status open_log(gv_inputs *inputs, const char *path, gv_log **out)
{
    gv_log *log = NULL;
    GV_TRY(gv_log_open(path, &log));
    const gv_status status = add_input(inputs, path, "gvlog", gv_log_identity(log));
    if (status != GV_OK) {
        gv_log_close(log);
        return status;
    }
    *out = log;
    return GV_OK;
}

static gv_status refuse_format(const char *name)
{
    const char *names[FORMATS_MAX] = {"gvlog"};
    size_t count = 1;
    for (size_t i = 0; gv_reader_types[i] != NULL && count < FORMATS_MAX; i++) {
        names[count++] = gv_reader_types[i]->info.name;
    }
    const char *nearest = gv_param_nearest(names, count, name);
    return GV_FAIL(GV_EUSAGE, "there is no format '%s'%s%s%s", name,
                   nearest == NULL ? "; `gavel list readers` shows them" : "; did you mean '",
                   nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

static gv_status hash_inputs(gv_inputs *inputs, const gv_input_plan *plan, const glob_t *found)
{
    for (size_t i = 0; i < found->gl_pathc; i++) {
        uint64_t hash = 0;
        GV_TRY(gv_hash_file(found->gl_pathv[i], &hash));
        GV_TRY(add_input(inputs, found->gl_pathv[i], plan->format, hash));
    }
    if (plan->mapping != NULL) {
        uint64_t hash = 0;
        GV_TRY(gv_hash_file(plan->mapping, &hash));
        GV_TRY(add_input(inputs, plan->mapping, "mapping", hash));
    }
    return GV_OK;
}

/* Ingests into `path` and maps it; the file itself is gone either way when this returns. */
static gv_status ingest_into(gv_inputs *inputs, const gv_input_plan *plan, const glob_t *found,
                             const char *path, const gv_progress *progress, gv_log **out)
{
    const gv_ingest_config config = {.type = gv_reader_find(plan->format),
                                     .mapping_path = plan->mapping,
                                     .paths = (const char *const *)found->gl_pathv,
                                     .path_count = found->gl_pathc,
                                     .output_path = path,
                                     .jobs = plan->jobs,
                                     .rejects_max = plan->rejects_max};
    gv_ingest_report report = {.shown_count = 0};
    gv_status status = gv_ingest(&config, progress, &report);
    if (status == GV_OK) {
        status = gv_log_open(path, out);
    }
    inputs->rejected += report.counts.rows[GV_LOG_REJECT];
    (void)unlink(path);
    return status;
}

static gv_status ingest(gv_inputs *inputs, const gv_input_plan *plan, const glob_t *found,
                        const gv_progress *progress, gv_log **out)
{
    char folder[2048];
    char path[2080];
    const int length =
        snprintf(folder, sizeof folder, "%s/gavel-XXXXXX", gv_file_temporary_folder());
    if (length >= (int)sizeof folder || mkdtemp(folder) == NULL) {
        return GV_FAIL(GV_EIO, "%s: a temporary folder cannot be made: %s", folder,
                       strerror(errno));
    }
    (void)snprintf(path, sizeof path, "%s/log.gvlog", folder);
    const gv_status status = ingest_into(inputs, plan, found, path, progress, out);
    (void)rmdir(folder);
    return status;
}

gv_status gv_inputs_add_file(gv_inputs *inputs, const char *path, const char *kind)
{
    uint64_t hash = 0;
    GV_TRY(gv_hash_file(path, &hash));
    return add_input(inputs, path, kind, hash);
}

bool gv_inputs_is_raw(const char *path, const char *format)
{
    static const char ending[] = ".gvlog";
    const size_t size = strlen(path);
    const size_t ending_size = sizeof ending - 1;
    const bool ends = size >= ending_size && strcmp(path + size - ending_size, ending) == 0;
    return !ends && strcmp(format, "gvlog") != 0;
}

gv_status gv_inputs_open(gv_inputs *inputs, const gv_input_plan *plan, const gv_progress *progress,
                         gv_log **out)
{
    if (!gv_inputs_is_raw(plan->path, plan->format)) {
        return open_log(inputs, plan->path, out);
    }
    const gv_reader_type *type = gv_reader_find(plan->format);
    if (type == NULL) {
        return refuse_format(plan->format);
    }
    if (type->needs_mapping && plan->mapping == NULL) {
        return GV_FAIL(GV_EUSAGE, "the format %s needs a mapping file: `mapping: columns.yaml`",
                       plan->format);
    }
    glob_t found;
    const int code = glob(plan->path, GLOB_BRACE, NULL, &found);
    if (code != 0) {
        globfree(&found);
        return code == GLOB_NOMATCH ? GV_FAIL(GV_EIO, "%s: there is no such file", plan->path)
                                    : GV_FAIL(GV_EIO, "%s: the files cannot be listed", plan->path);
    }
    gv_status status = hash_inputs(inputs, plan, &found);
    if (status == GV_OK) {
        status = ingest(inputs, plan, &found, progress, out);
    }
    globfree(&found);
    return status;
}
