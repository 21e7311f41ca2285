#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/format_impl.h"
#include "sim/log/huge_impl.h"
#include "sim/log/log_writer_impl.h"

enum { AHEAD = 64 }; /* texts of a dictionary that are worked on together */

static void note_range(const int64_t *times, size_t rows, uint64_t *words)
{
    int64_t least = times[0];
    int64_t most = times[0];
    for (size_t i = 1; i < rows; i++) {
        least = times[i] < least ? times[i] : least;
        most = times[i] > most ? times[i] : most;
    }
    words[1] = (uint64_t)least;
    words[2] = (uint64_t)most;
}

gv_status gv_sink_cells(const gv_sink *sink, uint64_t block, const void *cells, size_t rows)
{
    const size_t cell_size = sink->kind == GV_LOG_CODE ? 4 : 8;
    assert(sink->kind != GV_LOG_TEXT);
    assert(rows > 0 && rows <= GV_LOG_BLOCK_ROWS);
    if (sink->words != NULL) {
        uint64_t *words = sink->words + block * gv_format_block_words(sink->kind, sink->is_time);
        words[0] = gv_hash(cells, rows * cell_size);
        if (sink->is_time) {
            note_range(cells, rows, words);
        }
    }
    return gv_file_write_at(sink->file, sink->cells_at + block * GV_LOG_BLOCK_ROWS * cell_size,
                            cells, rows * cell_size);
}

gv_status gv_sink_starts(const gv_sink *sink, uint64_t block, const uint64_t *starts, size_t rows,
                         uint64_t heap_hash)
{
    assert(sink->kind == GV_LOG_TEXT);
    assert(rows <= GV_LOG_BLOCK_ROWS);
    const size_t size = (rows + 1) * sizeof *starts;
    if (sink->words != NULL && rows > 0) {
        sink->words[2 * block] = gv_hash(starts, size);
        sink->words[2 * block + 1] = heap_hash;
    }
    const uint64_t at = sink->cells_at + block * GV_LOG_BLOCK_ROWS * sizeof *starts;
    return gv_file_write_at(sink->file, at, starts, size);
}

gv_status gv_sink_heap(const gv_sink *sink, uint64_t at, const char *bytes, size_t size)
{
    return size == 0 ? GV_OK : gv_file_write_at(sink->file, sink->heap_at + at, bytes, size);
}

gv_status gv_sink_all(const gv_sink *sink, const void *cells, uint64_t rows)
{
    const size_t cell_size = sink->kind == GV_LOG_CODE ? 4 : 8;
    const char *bytes = cells;
    for (uint64_t row = 0; row < rows; row += GV_LOG_BLOCK_ROWS) {
        const uint64_t left = rows - row;
        const size_t some = left < GV_LOG_BLOCK_ROWS ? (size_t)left : GV_LOG_BLOCK_ROWS;
        GV_TRY(gv_sink_cells(sink, row / GV_LOG_BLOCK_ROWS, bytes + row * cell_size, some));
    }
    return GV_OK;
}

gv_status gv_log_writer_init(gv_log_writer *writer, const char *path)
{
    writer->end = sizeof(gv_format_header);
    return gv_file_writer_create(path, &writer->file);
}

void gv_log_writer_fini(gv_log_writer *writer)
{
    for (size_t i = 0; i < writer->column_count; i++) {
        gv_mem_free(writer->sinks[i].words);
    }
    gv_file_abandon(writer->file);
    *writer = (gv_log_writer){0};
}

static uint64_t take_region(gv_log_writer *writer, uint64_t size)
{
    const uint64_t at = gv_format_align(writer->end);
    assert(size < UINT64_C(1) << 60);
    writer->end = at + size;
    return at;
}

gv_status gv_log_writer_column(gv_log_writer *writer, gv_column_spec spec, const gv_sink **out)
{
    assert(writer->column_count < GV_LOG_WRITER_COLUMNS_MAX);
    assert(writer->dictionary_count == 0);
    gv_sink sink = {.file = writer->file, .kind = spec.kind};
    sink.is_time = spec.kind == GV_LOG_INTEGER && strcmp(spec.name, "time") == 0;
    const uint64_t words =
        gv_format_blocks(spec.rows) * gv_format_block_words(spec.kind, sink.is_time);
    sink.words = gv_mem_alloc(0, words, sizeof *sink.words);
    if (sink.words == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the checksums of column '%s'", spec.name);
    }
    sink.cells_at = take_region(writer, gv_format_cells_size(spec.kind, spec.rows));
    sink.heap_at = spec.kind == GV_LOG_TEXT ? take_region(writer, spec.heap_size) : 0;
    const size_t index = writer->column_count++;
    writer->columns[index] = spec;
    writer->sinks[index] = sink;
    *out = &writer->sinks[index];
    return GV_OK;
}

void gv_log_writer_dictionary(gv_log_writer *writer, uint32_t count, uint64_t heap_size)
{
    assert(writer->dictionary_count < GV_LOG_WRITER_COLUMNS_MAX);
    gv_written_dictionary *made = &writer->dictionaries[writer->dictionary_count++];
    made->count = count;
    made->heap_size = heap_size;
    made->slot_count = gv_format_slots(count);
    made->starts_at = take_region(writer, (made->count + 1) * sizeof(uint64_t));
    made->heap_at = take_region(writer, heap_size);
    made->slots_at = take_region(writer, made->slot_count * sizeof(uint32_t));
}

/* What a dictionary is on the disk. */
typedef struct dictionary_image {
    uint64_t *starts;
    char *heap;
    uint32_t *slots;
} dictionary_image;

/* Texts lie anywhere and belong anywhere: a few at a time are on their way from memory. */
static void fetch_texts(const gv_span *texts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(texts[i].bytes);
    }
}

/* Texts `first` to `first + count`, of at most AHEAD. image->starts[first] is set. */
static void fill_some(dictionary_image *image, uint64_t mask, const gv_span *texts, uint32_t first,
                      uint32_t count)
{
    uint64_t homes[AHEAD];
    for (uint32_t i = 0; i < count; i++) {
        const gv_span text = texts[first + i];
        const uint64_t start = image->starts[first + i];
        homes[i] = gv_hash(text.bytes, text.size) & mask;
        __builtin_prefetch(&image->slots[homes[i]], 1);
        if (text.size > 0) {
            memcpy(image->heap + start, text.bytes, text.size);
        }
        image->starts[first + i + 1] = start + text.size;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = homes[i];
        while (image->slots[slot] != GV_LOG_NO_CODE) {
            slot = (slot + 1) & mask;
        }
        image->slots[slot] = first + i;
    }
}

static void fill_image(dictionary_image *image, uint64_t slot_count, const gv_span *texts,
                       uint32_t count)
{
    memset(image->slots, 0xFF, slot_count * sizeof *image->slots);
    image->starts[0] = 0;
    for (uint32_t first = 0; first < count; first += AHEAD) {
        const uint32_t left = count - first;
        const uint32_t some = left < AHEAD ? left : AHEAD;
        const uint32_t next = left - some;
        fetch_texts(texts + first + some, next < AHEAD ? next : AHEAD);
        fill_some(image, slot_count - 1, texts, first, some);
    }
}

static gv_status write_image(const gv_log_writer *writer, gv_written_dictionary *made,
                             const dictionary_image *image)
{
    const uint64_t starts_size = (made->count + 1) * sizeof *image->starts;
    const uint64_t slots_size = made->slot_count * sizeof *image->slots;
    const uint64_t hashes[] = {gv_hash(image->starts, starts_size),
                               gv_hash(image->heap, made->heap_size),
                               gv_hash(image->slots, slots_size)};
    made->hash = gv_hash(hashes, sizeof hashes);
    GV_TRY(gv_file_write_at(writer->file, made->starts_at, image->starts, starts_size));
    GV_TRY(gv_file_write_at(writer->file, made->heap_at, image->heap, made->heap_size));
    return gv_file_write_at(writer->file, made->slots_at, image->slots, slots_size);
}

gv_status gv_log_writer_texts(gv_log_writer *writer, size_t dictionary, const gv_span *texts)
{
    assert(dictionary < writer->dictionary_count);
    gv_written_dictionary *made = &writer->dictionaries[dictionary];
    dictionary_image image = {.starts = NULL};
    gv_status status = GV_OK;
    image.starts = gv_mem_alloc_vector(made->count + 1, sizeof *image.starts);
    image.heap = gv_mem_alloc_vector(made->heap_size, 1);
    image.slots = gv_mem_alloc_vector(made->slot_count, sizeof *image.slots);
    if (image.starts == NULL || image.heap == NULL || image.slots == NULL) {
        status =
            GV_FAIL(GV_ENOMEM, "no memory to write a dictionary of %zu texts", (size_t)made->count);
        goto end;
    }
    gv_huge_advise(image.heap, made->heap_size);
    gv_huge_advise(image.slots, made->slot_count * sizeof *image.slots);
    fill_image(&image, made->slot_count, texts, (uint32_t)made->count);
    assert(image.starts[made->count] == made->heap_size);
    GV_TRY_GOTO(status, write_image(writer, made, &image), end);
end:
    gv_mem_free(image.starts);
    gv_mem_free(image.heap);
    gv_mem_free(image.slots);
    return status;
}

void gv_log_writer_fact(gv_log_writer *writer, const char *name, const char *value)
{
    assert(2 * writer->fact_count + 1 < sizeof writer->facts / sizeof writer->facts[0]);
    writer->facts[2 * writer->fact_count] = name;
    writer->facts[2 * writer->fact_count + 1] = value;
    writer->fact_count++;
}

/* The directory is written through a hash of it; its parts are small. */
typedef struct directory_sink {
    gv_file_writer *file;
    gv_hasher *hasher;
    uint64_t size;
    gv_status status; /* the first failure */
} directory_sink;

static void put(directory_sink *directory, const void *bytes, size_t size)
{
    if (directory->status == GV_OK) {
        gv_hasher_add(directory->hasher, bytes, size);
        directory->size += size;
        directory->status = gv_file_write(directory->file, bytes, size);
    }
}

static void put_word(directory_sink *directory, uint64_t word)
{
    put(directory, &word, sizeof word);
}

static void put_text(directory_sink *directory, const char *text)
{
    static const char zeros[8] = {0};
    const size_t size = strlen(text);
    put_word(directory, size);
    put(directory, text, size);
    put(directory, zeros, (8 - size % 8) % 8);
}

static void put_column(directory_sink *directory, const gv_column_spec *spec, const gv_sink *sink)
{
    put_word(directory, (uint64_t)spec->table);
    put_word(directory, (uint64_t)spec->kind);
    put_text(directory, spec->name);
    put_word(directory, spec->dictionary);
    put_word(directory, sink->cells_at);
    put_word(directory, sink->heap_at);
    put_word(directory, spec->heap_size);
    const uint64_t words =
        gv_format_blocks(spec->rows) * gv_format_block_words(spec->kind, sink->is_time);
    put(directory, sink->words, words * sizeof *sink->words);
}

static void put_directory(directory_sink *directory, const gv_log_writer *writer)
{
    put_word(directory, (uint64_t)writer->zone_us);
    put(directory, writer->rows, sizeof writer->rows);
    put_word(directory, writer->fact_count);
    for (size_t i = 0; i < 2 * writer->fact_count; i++) {
        put_text(directory, writer->facts[i]);
    }
    put_word(directory, writer->column_count);
    for (size_t i = 0; i < writer->column_count; i++) {
        put_column(directory, &writer->columns[i], &writer->sinks[i]);
    }
    put_word(directory, writer->dictionary_count);
    for (size_t i = 0; i < writer->dictionary_count; i++) {
        put(directory, &writer->dictionaries[i], sizeof writer->dictionaries[i]);
    }
}

static gv_status write_directory(gv_log_writer *writer, gv_hasher *hasher)
{
    static const char zeros[GV_FORMAT_ALIGNMENT] = {0};
    const uint64_t at = gv_format_align(writer->end);
    if (at > writer->end) {
        GV_TRY(gv_file_write_at(writer->file, writer->end, zeros, at - writer->end));
    }
    directory_sink directory = {.file = writer->file, .hasher = hasher, .status = GV_OK};
    put_directory(&directory, writer);
    GV_TRY(directory.status);
    gv_format_header header = {
        .version = GV_FORMAT_VERSION,
        .block_rows = GV_LOG_BLOCK_ROWS,
        .file_size = at + directory.size,
        .directory_offset = at,
        .directory_size = directory.size,
        .directory_hash = gv_hasher_value(hasher),
    };
    memcpy(header.magic, GV_FORMAT_MAGIC, sizeof header.magic);
    header.header_hash = gv_hash(&header, offsetof(gv_format_header, header_hash));
    return gv_file_rewrite(writer->file, 0, &header, sizeof header);
}

gv_status gv_log_writer_commit(gv_log_writer *writer)
{
    gv_hasher *hasher = gv_hasher_create();
    gv_status status = hasher == NULL ? GV_FAIL(GV_ENOMEM, "no memory to write the directory")
                                      : write_directory(writer, hasher);
    if (status == GV_OK) {
        gv_file_writer *file = writer->file;
        writer->file = NULL;
        status = gv_file_commit(file);
    }
    gv_hasher_destroy(hasher);
    gv_log_writer_fini(writer);
    return status;
}
