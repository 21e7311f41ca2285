/*
 * The dictionaries of a commit: first those of all workers into one, last that one to the file.
 * Each column's is a task of its own, and the largest ones weigh as much as whole columns.
 */
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/log/write_impl.h"

/* The dictionaries of the log by number: of the CODE fields, then of the file names. */
typedef struct code_tasks {
    gv_write *write;
    size_t slots[GV_CHUNK_COLUMNS_MAX + 1]; /* of write->dictionaries; [count] */
    size_t count;
} code_tasks;

static code_tasks list_tasks(gv_write *write)
{
    const gv_log_schema *schema = write->builder->work.schema;
    code_tasks tasks = {.write = write};
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].kind == GV_LOG_CODE) {
            tasks.slots[tasks.count++] = i;
        }
    }
    tasks.slots[tasks.count++] = GV_CHUNK_COLUMNS_MAX;
    return tasks;
}

static gv_renumber *renumber_of(const code_tasks *tasks, size_t index)
{
    const size_t slot = tasks->slots[index];
    gv_write *write = tasks->write;
    return slot == GV_CHUNK_COLUMNS_MAX ? &write->file_renumber : &write->renumbers[slot];
}

/* A gv_task. */
static gv_status unite_one(void *context, size_t index, size_t number)
{
    const code_tasks *tasks = context;
    const gv_builder *builder = tasks->write->builder;
    const size_t slot = tasks->slots[index];
    gv_dictionary **dictionaries = tasks->write->dictionaries[slot];
    (void)number;
    for (size_t i = 0; i < builder->worker_count; i++) {
        gv_worker *worker = builder->workers[i];
        dictionaries[i] =
            slot == GV_CHUNK_COLUMNS_MAX ? &worker->file_dictionary : &worker->dictionaries[slot];
    }
    return gv_renumber_init(renumber_of(tasks, index), dictionaries, builder->worker_count);
}

gv_status gv_write_renumbers(gv_write *write)
{
    code_tasks tasks = list_tasks(write);
    return gv_parallel_for(write->builder->jobs, tasks.count, unite_one, &tasks);
}

/* A gv_task. */
static gv_status write_one(void *context, size_t index, size_t number)
{
    const code_tasks *tasks = context;
    const gv_renumber *renumber = renumber_of(tasks, index);
    (void)number;
    gv_span *texts = gv_mem_alloc_vector(renumber->final_count, sizeof *texts);
    if (texts == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a dictionary of %u texts", renumber->final_count);
    }
    gv_renumber_texts(renumber, texts);
    const gv_status status = gv_log_writer_texts(&tasks->write->writer, index, texts);
    gv_mem_free(texts);
    return status;
}

gv_status gv_write_dictionaries(gv_write *write)
{
    code_tasks tasks = list_tasks(write);
    for (size_t i = 0; i < tasks.count; i++) {
        const gv_renumber *renumber = renumber_of(&tasks, i);
        gv_log_writer_dictionary(&write->writer, renumber->final_count,
                                 gv_renumber_heap_size(renumber));
    }
    return gv_parallel_for(write->builder->jobs, tasks.count, write_one, &tasks);
}
