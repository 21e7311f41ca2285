/* What the log says of its own making. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "build_info.h"
#include "sim/base/mem.h"
#include "sim/log/write_impl.h"

enum { NUMBER_SIZE = 32 };

/* Room for the numbers and one line for each input. */
static size_t facts_size(const gv_work *work)
{
    size_t size = 8 * (size_t)NUMBER_SIZE + 1;
    for (size_t i = 0; i < work->input_count; i++) {
        size += strlen(work->input_paths[i]) + 2 * (size_t)NUMBER_SIZE;
    }
    return size;
}

static char *print_number(gv_write *write, char *at, const char *name, uint64_t number)
{
    const int length = snprintf(at, NUMBER_SIZE, "%" PRIu64, number);
    gv_log_writer_fact(&write->writer, name, at);
    return at + length + 1;
}

/* "XXH3 SIZE PATH\n" of each input whose reader said so, else "- - PATH\n". */
static void print_inputs(gv_write *write, char *at)
{
    const gv_builder *builder = write->builder;
    gv_log_writer_fact(&write->writer, "inputs", at);
    *at = '\0';
    for (size_t i = 0; i < builder->work.input_count; i++) {
        const char *path = builder->work.input_paths[i];
        const size_t room = strlen(path) + 2 * (size_t)NUMBER_SIZE;
        if (builder->inputs[i].is_known) {
            at += snprintf(at, room, "%016" PRIx64 " %" PRIu64 " %s\n", builder->inputs[i].hash,
                           builder->inputs[i].size, path);
        } else {
            at += snprintf(at, room, "- - %s\n", path);
        }
    }
}

gv_status gv_write_facts(gv_write *write)
{
    gv_builder *builder = write->builder;
    const gv_builder_counts *counts = write->counts;
    gv_log_writer *writer = &write->writer;
    write->facts = gv_mem_alloc(0, facts_size(&builder->work), 1);
    if (write->facts == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its facts", builder->path);
    }
    gv_log_writer_fact(writer, "format", builder->work.schema->format);
    gv_log_writer_fact(writer, "version", GV_BUILD_VERSION);
    gv_log_writer_fact(writer, "ordinal_time", builder->work.time_field == SIZE_MAX ? "yes" : "no");
    char *at = write->facts;
    at = print_number(write, at, "lines", counts->lines);
    at = print_number(write, at, "repeated_bid_ids", counts->repeated_bid_ids);
    at = print_number(write, at, "clicked_bid_ids", counts->clicked_bid_ids);
    at = print_number(write, at, "input_bytes", counts->input_bytes);
    print_inputs(write, at);
    for (size_t i = 0; i < builder->fact_count; i++) {
        gv_log_writer_fact(writer, builder->facts[i].name, builder->facts[i].value);
    }
    return GV_OK;
}
