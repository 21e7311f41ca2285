/*
 * fuzz_reader.h - any bytes as a log file of one format: input, cutter and decoder, and what must
 * hold of their rows.
 */
#ifndef TESTS_FUZZ_FUZZ_READER_H
#define TESTS_FUZZ_FUZZ_READER_H

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "read_text.h"
#include "sim/base/clock.h"

/* Times are in range, texts are readable to their last byte, rejects say why. */
static inline gv_status fuzz_check_chunk(void *context, const gv_chunk *chunk)
{
    size_t *sum = context;
    for (size_t field = 0; field < chunk->schema->field_count; field++) {
        const bool is_time = strcmp(chunk->schema->fields[field].name, "time") == 0;
        const gv_log_kind kind = chunk->schema->fields[field].kind;
        for (size_t row = 0; row < chunk->row_count; row++) {
            if (kind == GV_LOG_CODE || kind == GV_LOG_TEXT) {
                const gv_span text = chunk->cells[field].texts[row];
                *sum += text.size > 0 ? (unsigned char)text.bytes[text.size - 1] : 0;
                assert(memchr(text.bytes, '\0', text.size) == NULL);
            } else if (is_time) {
                assert(chunk->cells[field].integers[row] >= GV_TIME_MIN_US);
                assert(chunk->cells[field].integers[row] <= GV_TIME_MAX_US);
            }
        }
    }
    for (size_t i = 0; i < chunk->reject_count; i++) {
        assert(strstr(chunk->rejects[i].reason, "expected") != NULL);
        assert(chunk->rejects[i].line >= 1);
    }
    return GV_OK;
}

/* Reads the bytes as a file called `name`. */
static inline void fuzz_read(const gv_plan *plan, const char *name, const uint8_t *data,
                             size_t size)
{
    char path[64];
    size_t sum = 0;
    const int file = memfd_create("log", MFD_CLOEXEC);
    assert(file >= 0);
    const ssize_t written = size == 0 ? 0 : write(file, data, size);
    assert(written == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const gv_status status = read_file(plan, path, name, fuzz_check_chunk, &sum);
    assert(status == GV_OK || status == GV_EIO || status == GV_EPARSE);
    (void)close(file);
}

static inline int fuzz_format(const char *format, const char *name, const uint8_t *data,
                              size_t size)
{
    static gv_plan plan;
    const gv_reader_type *type = gv_reader_find(format);
    assert(type != NULL);
    const gv_status status = type->methods->plan(NULL, &plan);
    assert(status == GV_OK);
    fuzz_read(&plan, name, data, size);
    return 0;
}

#endif
