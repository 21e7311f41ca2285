/*
 * read_text.h - reads a log file through input, cutter and decoder on one thread, without a
 * builder, for tests and fuzz targets of the readers.
 */
#ifndef TESTS_READ_TEXT_H
#define TESTS_READ_TEXT_H

#include "sim/base/mem.h"
#include "sim/log/csv_impl.h"
#include "sim/log/input_impl.h"
#include "sim/log/reader_impl.h"
#include "sim/log/split_impl.h"

/* Everything that one reading holds; zeroed at first, freed by read_fini(). */
typedef struct read_text {
    gv_file_plan file;
    gv_input *input;
    gv_csv *csv;
    gv_decoder *decoder;
    gv_rows rows;
    char *buffer;
} read_text;

static inline void read_fini(read_text *read)
{
    gv_input_close(read->input);
    gv_csv_destroy(read->csv);
    gv_decoder_destroy(read->decoder);
    gv_rows_fini(&read->rows);
    gv_mem_free(read->buffer);
}

static inline gv_status read_init(read_text *read, const gv_plan *plan, const char *path,
                                  const char *name)
{
    gv_file_plan_start(&read->file, plan, name, 0);
    read->buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    if (read->buffer == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a buffer");
    }
    GV_TRY(gv_rows_init(&read->rows, GV_INPUT_ROOM));
    GV_TRY(gv_decoder_create(plan, &read->decoder));
    if (plan->is_quoted) {
        GV_TRY(gv_csv_create(plan->delimiter, &read->csv));
    }
    return gv_input_open(path, &read->input);
}

/* The next rows; *has_ended behind the last. Overlong lines are passed over. */
static inline gv_status read_piece(read_text *read, const gv_rows **rows, bool *has_ended)
{
    if (read->csv != NULL) {
        return gv_csv_read(read->csv, read->input, read->buffer, rows, has_ended);
    }
    gv_piece piece = {0};
    GV_TRY(gv_input_lines(read->input, read->buffer, &piece));
    const uint64_t line = read->rows.first_line + read->rows.row_count;
    read->rows.row_count = 0;
    if (!piece.is_overlong) {
        gv_splitter_pick()->split(piece.text, piece.size, read->file.plan->delimiter, &read->rows);
    }
    read->rows.first_line = piece.is_overlong ? line + 1 : line;
    *rows = &read->rows;
    *has_ended = piece.size == 0;
    return GV_OK;
}

/* Reads the whole file at `path`, called `name`, and hands its chunks to `take`. */
static inline gv_status read_file(const gv_plan *plan, const char *path, const char *name,
                                  gv_chunk_taker take, void *context)
{
    read_text read = {0};
    gv_status status = GV_OK;
    bool has_ended = false;
    bool has_first = false;
    GV_TRY_GOTO(status, read_init(&read, plan, path, name), done);
    read.rows.first_line = 1;
    while (!has_ended) {
        const gv_rows *rows = NULL;
        bool skip = false;
        GV_TRY_GOTO(status, read_piece(&read, &rows, &has_ended), done);
        if (!has_first && rows->row_count > 0) {
            GV_TRY_GOTO(status, gv_file_plan_first_row(&read.file, rows, &skip), done);
            has_first = true;
        }
        GV_TRY_GOTO(status, gv_decoder_run(read.decoder, &read.file, rows, skip, take, context),
                    done);
    }
done:
    read_fini(&read);
    return status;
}

#endif
