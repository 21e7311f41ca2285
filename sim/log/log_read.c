/*
 * The directory of a log that anybody may have written. Every number is checked before it is
 * used; every region must lie exactly where the format puts it, so none can overlap another or
 * leave the file, and what opening has passed no accessor can leave.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/format_impl.h"
#include "sim/log/log_impl.h"

/* More than any machine will hold; keeps all sums of sizes below 2^63. */
#define ROWS_MAX (UINT64_C(1) << 48)

typedef struct read_cursor {
    gv_log *log;
    const unsigned char *bytes; /* the directory: [size] */
    uint64_t size;
    uint64_t at;
    uint64_t region_end; /* of the last region met */
    char *texts;         /* room for the next copy */
    size_t block_count;  /* of all columns so far */
} read_cursor;

static gv_status say_corrupt(const gv_log *log, const char *what)
{
    (void)GV_FAIL(GV_ECORRUPT, "%s: is damaged or was not written by Gavel: %s", log->path, what);
    return GV_ECORRUPT; /* stated, so that the compiler sees it is never GV_OK */
}

static gv_status take_words(read_cursor *cursor, uint64_t count, const uint64_t **words)
{
    if (count > (cursor->size - cursor->at) / sizeof **words) {
        return say_corrupt(cursor->log, "its directory ends too early");
    }
    *words = (const void *)(cursor->bytes + cursor->at);
    cursor->at += count * sizeof **words;
    return GV_OK;
}

static gv_status take_word(read_cursor *cursor, uint64_t *word)
{
    const uint64_t *words = NULL;
    GV_TRY(take_words(cursor, 1, &words));
    *word = *words;
    return GV_OK;
}

static gv_status take_count(read_cursor *cursor, uint64_t smallest_size, const char *what,
                            size_t *count)
{
    uint64_t word = 0;
    GV_TRY(take_word(cursor, &word));
    if (word > (cursor->size - cursor->at) / smallest_size) {
        return say_corrupt(cursor->log, what);
    }
    *count = (size_t)word;
    return GV_OK;
}

/* Copies never outgrow `texts`: a copy with its NUL is shorter than the text with its size. */
static gv_status take_text(read_cursor *cursor, const char **text)
{
    uint64_t size = 0;
    const uint64_t *words = NULL;
    GV_TRY(take_word(cursor, &size));
    if (size > cursor->size) {
        return say_corrupt(cursor->log, "a text in its directory is too long");
    }
    GV_TRY(take_words(cursor, (size + 7) / 8, &words));
    if (memchr(words, '\0', size) != NULL) {
        return say_corrupt(cursor->log, "a text in its directory has a NUL byte");
    }
    memcpy(cursor->texts, words, size);
    cursor->texts[size] = '\0';
    *text = cursor->texts;
    cursor->texts += size + 1;
    return GV_OK;
}

/* A region must follow the one before it at once. */
static gv_status take_region(read_cursor *cursor, uint64_t offset, uint64_t size,
                             const void **bytes)
{
    const gv_log *log = cursor->log;
    const uint64_t end = (uint64_t)(cursor->bytes - log->map.bytes);
    if (offset != gv_format_align(cursor->region_end) || offset > end || size > end - offset) {
        return say_corrupt(log, "its directory puts data where none can be");
    }
    cursor->region_end = offset + size;
    *bytes = log->map.bytes + offset;
    return GV_OK;
}

static gv_status read_tables(read_cursor *cursor)
{
    const uint64_t *words = NULL;
    GV_TRY(take_words(cursor, 1 + GV_LOG_TABLE_COUNT, &words));
    cursor->log->zone_us = (int64_t)words[0];
    for (size_t table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        cursor->log->rows[table] = words[1 + table];
        if (words[1 + table] > ROWS_MAX) {
            return say_corrupt(cursor->log, "its directory counts too many rows");
        }
    }
    return GV_OK;
}

static gv_status read_facts(read_cursor *cursor)
{
    gv_log *log = cursor->log;
    GV_TRY(take_count(cursor, 16, "its directory counts too many facts", &log->fact_count));
    log->facts = gv_mem_alloc(0, log->fact_count, sizeof *log->facts);
    if (log->facts == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its facts", log->path);
    }
    for (size_t i = 0; i < log->fact_count; i++) {
        GV_TRY(take_text(cursor, &log->facts[i].name));
        GV_TRY(take_text(cursor, &log->facts[i].value));
    }
    return GV_OK;
}

static gv_status read_column_head(read_cursor *cursor, gv_log_column *column)
{
    const gv_log *log = cursor->log;
    const uint64_t *words = NULL;
    GV_TRY(take_words(cursor, 2, &words));
    if (words[0] >= GV_LOG_TABLE_COUNT || words[1] >= GV_LOG_KIND_COUNT) {
        return say_corrupt(log, "a column is of no known table or kind");
    }
    if (column > log->columns && words[0] < column[-1].table) {
        return say_corrupt(log, "its columns are not in the order of its tables");
    }
    column->log = log;
    column->table = (gv_log_table)words[0];
    column->kind = (gv_log_kind)words[1];
    column->rows = log->rows[words[0]];
    GV_TRY(take_text(cursor, &column->name));
    column->is_time = column->kind == GV_LOG_INTEGER && strcmp(column->name, "time") == 0;
    column->is_row = strcmp(column->name, "row") == 0 &&
                     (column->table == GV_LOG_CLICK || column->table == GV_LOG_CONVERSION);
    if (column->is_row && column->kind != GV_LOG_INTEGER) {
        return say_corrupt(log, "its events do not say which rows they belong to");
    }
    return GV_OK;
}

/* With the order inside each block, which gv_log_check() sees to, this orders the whole table. */
static gv_status check_ranges(const gv_log_column *column)
{
    const uint64_t blocks = gv_format_blocks(column->rows);
    for (uint64_t block = 1; block < blocks; block++) {
        const int64_t before = (int64_t)column->words[3 * block - 1];
        if ((int64_t)column->words[3 * block + 1] < before) {
            return say_corrupt(column->log, "its blocks are not in the order of time");
        }
    }
    return GV_OK;
}

static gv_status read_column(read_cursor *cursor, gv_log_column *column)
{
    const uint64_t *words = NULL;
    const void *heap = NULL;
    GV_TRY(read_column_head(cursor, column));
    GV_TRY(take_words(cursor, 4, &words));
    column->dictionary_number = words[0];
    GV_TRY(take_region(cursor, words[1], gv_format_cells_size(column->kind, column->rows),
                       &column->cells));
    if (column->kind == GV_LOG_TEXT) {
        GV_TRY(take_region(cursor, words[2], words[3], &heap));
        column->heap = heap;
        column->heap_size = words[3];
    } else if (words[2] != 0 || words[3] != 0) {
        return say_corrupt(cursor->log, "a column has a heap that it cannot have");
    }
    const uint64_t blocks = gv_format_blocks(column->rows);
    cursor->block_count += (size_t)blocks;
    GV_TRY(take_words(cursor, blocks * gv_format_block_words(column->kind, column->is_time),
                      &column->words));
    return column->is_time && gv_log_is_ordered(column->table) ? check_ranges(column) : GV_OK;
}

static gv_status read_columns(read_cursor *cursor)
{
    gv_log *log = cursor->log;
    GV_TRY(take_count(cursor, 56, "its directory counts too many columns", &log->column_count));
    log->columns = gv_mem_alloc(0, log->column_count, sizeof *log->columns);
    if (log->columns == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its columns", log->path);
    }
    for (size_t i = 0; i < log->column_count; i++) {
        GV_TRY(read_column(cursor, &log->columns[i]));
    }
    log->is_valid = gv_mem_alloc(0, cursor->block_count, sizeof *log->is_valid);
    if (log->is_valid == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its blocks", log->path);
    }
    _Atomic uint8_t *next = log->is_valid;
    for (size_t i = 0; i < log->column_count; i++) {
        log->columns[i].is_valid = next;
        next += gv_format_blocks(log->columns[i].rows);
    }
    return GV_OK;
}

/* After this a lookup ends, and every text of the dictionary lies in its heap. */
static gv_status check_dictionary(const gv_log *log, const gv_log_dictionary *dictionary,
                                  uint64_t heap_size)
{
    for (uint64_t i = 0; i < dictionary->count; i++) {
        if (dictionary->starts[i] > dictionary->starts[i + 1]) {
            return say_corrupt(log, "the texts of a dictionary overlap");
        }
    }
    if (dictionary->starts[0] != 0 || dictionary->starts[dictionary->count] != heap_size) {
        return say_corrupt(log, "the texts of a dictionary do not fill it");
    }
    uint64_t taken = 0;
    for (uint64_t i = 0; i < dictionary->slot_count; i++) {
        taken += dictionary->slots[i] != GV_LOG_NO_CODE;
        if (dictionary->slots[i] != GV_LOG_NO_CODE && dictionary->slots[i] >= dictionary->count) {
            return say_corrupt(log, "the index of a dictionary points outside");
        }
    }
    return taken == dictionary->count
               ? GV_OK
               : say_corrupt(log, "the index of a dictionary misses some of its texts");
}

static gv_status read_dictionary(read_cursor *cursor, gv_log_dictionary *dictionary)
{
    const gv_log *log = cursor->log;
    const uint64_t *words = NULL;
    GV_TRY(take_words(cursor, 7, &words));
    if (words[0] >= GV_LOG_NO_CODE || words[2] != gv_format_slots(words[0])) {
        return say_corrupt(log, "a dictionary has an impossible size");
    }
    const uint64_t starts_size = (words[0] + 1) * sizeof *dictionary->starts;
    const uint64_t slots_size = words[2] * sizeof *dictionary->slots;
    const void *starts = NULL;
    const void *heap = NULL;
    const void *slots = NULL;
    GV_TRY(take_region(cursor, words[3], starts_size, &starts));
    GV_TRY(take_region(cursor, words[4], words[1], &heap));
    GV_TRY(take_region(cursor, words[5], slots_size, &slots));
    const uint64_t hashes[] = {gv_hash(starts, starts_size), gv_hash(heap, words[1]),
                               gv_hash(slots, slots_size)};
    if (gv_hash(hashes, sizeof hashes) != words[6]) {
        return say_corrupt(log, "the checksum of a dictionary does not agree");
    }
    *dictionary = (gv_log_dictionary){words[0], starts, heap, slots, words[2]};
    return check_dictionary(log, dictionary, words[1]);
}

static gv_status link_dictionaries(gv_log *log)
{
    for (size_t i = 0; i < log->column_count; i++) {
        gv_log_column *column = &log->columns[i];
        const bool is_code = column->kind == GV_LOG_CODE;
        if (is_code ? column->dictionary_number >= log->dictionary_count
                    : column->dictionary_number != GV_FORMAT_NO_WORD) {
            return say_corrupt(log, "a column has a dictionary that it cannot have");
        }
        if (is_code) {
            column->dictionary = &log->dictionaries[column->dictionary_number];
        }
    }
    return GV_OK;
}

static gv_status read_dictionaries(read_cursor *cursor)
{
    gv_log *log = cursor->log;
    GV_TRY(take_count(cursor, 56, "its directory counts too many dictionaries",
                      &log->dictionary_count));
    log->dictionaries = gv_mem_alloc(0, log->dictionary_count, sizeof *log->dictionaries);
    if (log->dictionaries == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its dictionaries", log->path);
    }
    for (size_t i = 0; i < log->dictionary_count; i++) {
        GV_TRY(read_dictionary(cursor, &log->dictionaries[i]));
    }
    return link_dictionaries(log);
}

static gv_status read_header(const gv_log *log, gv_format_header *header)
{
    if (log->map.size == 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: is empty, expected a .gvlog file", log->path);
    }
    if (log->map.size < sizeof *header ||
        memcmp(log->map.bytes, GV_FORMAT_MAGIC, sizeof header->magic) != 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: is no .gvlog file; `gavel ingest` makes one from raw logs",
                       log->path);
    }
    memcpy(header, log->map.bytes, sizeof *header);
    if (header->version != GV_FORMAT_VERSION) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: is a .gvlog file of version %" PRIu32 ", expected %d; ingest it anew",
                       log->path, header->version, GV_FORMAT_VERSION);
    }
    if (header->header_hash != gv_hash(header, offsetof(gv_format_header, header_hash))) {
        return say_corrupt(log, "the checksum of its header does not agree");
    }
    if (header->file_size != log->map.size) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: has %zu bytes where its header says %" PRIu64
                       "; it was cut off or grew; ingest it anew",
                       log->path, log->map.size, header->file_size);
    }
    return GV_OK;
}

static gv_status open_directory(gv_log *log, read_cursor *cursor)
{
    gv_format_header header = {.version = 0};
    GV_TRY(read_header(log, &header));
    const uint64_t offset = header.directory_offset;
    if (header.block_rows != GV_LOG_BLOCK_ROWS || header.zero != 0 ||
        offset != gv_format_align(offset) || offset < sizeof header || offset > log->map.size ||
        header.directory_size != log->map.size - offset || header.directory_size % 8 != 0) {
        return say_corrupt(log, "its header disagrees with itself");
    }
    *cursor = (read_cursor){.log = log,
                            .bytes = log->map.bytes + offset,
                            .size = header.directory_size,
                            .region_end = sizeof header};
    if (gv_hash(cursor->bytes, cursor->size) != header.directory_hash) {
        return say_corrupt(log, "the checksum of its directory does not agree");
    }
    log->identity = header.directory_hash;
    log->texts = gv_mem_alloc(0, cursor->size, 1);
    cursor->texts = log->texts;
    return log->texts != NULL ? GV_OK
                              : GV_FAIL(GV_ENOMEM, "%s: no memory for its directory", log->path);
}

gv_status gv_log_read(gv_log *log)
{
    read_cursor cursor = {.log = log};
    GV_TRY(open_directory(log, &cursor));
    GV_TRY(read_tables(&cursor));
    GV_TRY(read_facts(&cursor));
    GV_TRY(read_columns(&cursor));
    GV_TRY(read_dictionaries(&cursor));
    if (cursor.at != cursor.size ||
        gv_format_align(cursor.region_end) != (uint64_t)(cursor.bytes - log->map.bytes)) {
        return say_corrupt(log, "its directory does not describe all of it");
    }
    return GV_OK;
}
