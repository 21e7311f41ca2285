/*
 * Sections: a head of tag and size, then the bytes, padded with zeros to a multiple of 8, so
 * that equal states give equal files.
 */
#include "sim/core/checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/mem.h"

enum { ALIGNMENT = 8, FIRST_CAPACITY = 4096 };

typedef struct section_head {
    char tag[GV_TAG_MAX + 1]; /* NUL-padded */
    uint64_t size;            /* without the padding */
} section_head;

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static section_head head_of(const char *tag, size_t size)
{
    const size_t length = strlen(tag);
    assert(length >= 1);
    assert(length <= GV_TAG_MAX);
    section_head head = {.size = size};
    memcpy(head.tag, tag, length);
    return head;
}

static gv_status make_room(gv_writer *writer, size_t more)
{
    if (more <= writer->capacity - writer->size) {
        return GV_OK;
    }
    size_t capacity = writer->capacity == 0 ? FIRST_CAPACITY : writer->capacity;
    while (capacity - writer->size < more) {
        if (capacity > SIZE_MAX / 2) {
            return GV_FAIL(GV_ENOMEM, "a checkpoint of %zu bytes is too large", writer->size);
        }
        capacity *= 2;
    }
    unsigned char *bytes = gv_mem_resize(writer->bytes, capacity, 1);
    if (bytes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a checkpoint of %zu bytes", capacity);
    }
    writer->bytes = bytes;
    writer->capacity = capacity;
    return GV_OK;
}

gv_status gv_writer_reserve(gv_writer *writer, const char *tag, size_t size, unsigned char **bytes)
{
    const section_head head = head_of(tag, size);
    assert(size <= SIZE_MAX / 4);
    GV_TRY(make_room(writer, sizeof head + padded(size)));
    unsigned char *end = writer->bytes + writer->size;
    memcpy(end, &head, sizeof head);
    memset(end + sizeof head + size, 0, padded(size) - size);
    writer->size += sizeof head + padded(size);
    *bytes = end + sizeof head;
    return GV_OK;
}

gv_status gv_writer_put(gv_writer *writer, const char *tag, const void *bytes, size_t size)
{
    unsigned char *section = NULL;
    GV_TRY(gv_writer_reserve(writer, tag, size, &section));
    if (size > 0) {
        memcpy(section, bytes, size);
    }
    return GV_OK;
}

void gv_writer_fini(gv_writer *writer)
{
    gv_mem_free(writer->bytes);
    *writer = (gv_writer){0};
}

/* What a head's tag may be quoted as: only what gv_writer_put() could have written. */
static const char *tag_text(const section_head *head)
{
    for (size_t i = 0; i < sizeof head->tag; i++) {
        if (head->tag[i] == '\0') {
            return head->tag;
        }
        if (head->tag[i] < ' ' || head->tag[i] > '~') {
            break;
        }
    }
    return "(unreadable)";
}

/* The head at the reader's position, whose bytes are all there. */
static gv_status next_head(const gv_reader *reader, const char *tag, section_head *out)
{
    const size_t left = reader->size - reader->position;
    section_head head;
    if (left < sizeof head) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint ends at byte %zu, where its part '%s' should begin; it is "
                       "of another scenario or version",
                       reader->position, tag);
    }
    memcpy(&head, reader->bytes + reader->position, sizeof head);
    const section_head expected = head_of(tag, 0);
    if (memcmp(head.tag, expected.tag, sizeof head.tag) != 0) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint has part '%s' at byte %zu, expected '%s'; it is of another "
                       "scenario or version",
                       tag_text(&head), reader->position, tag);
    }
    if (head.size > left - sizeof head || padded(head.size) > left - sizeof head) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint's part '%s' at byte %zu claims %" PRIu64
                       " bytes, but only %zu follow",
                       tag, reader->position, head.size, left - sizeof head);
    }
    *out = head;
    return GV_OK;
}

gv_status gv_reader_peek(const gv_reader *reader, const char *tag, size_t *size)
{
    section_head head = {0};
    GV_TRY(next_head(reader, tag, &head));
    *size = head.size;
    return GV_OK;
}

gv_status gv_reader_view(gv_reader *reader, const char *tag, const unsigned char **bytes,
                         size_t *size)
{
    section_head head = {0};
    GV_TRY(next_head(reader, tag, &head));
    *bytes = reader->bytes + reader->position + sizeof head;
    *size = head.size;
    reader->position += sizeof head + padded(head.size);
    return GV_OK;
}

gv_status gv_reader_get(gv_reader *reader, const char *tag, void *bytes, size_t size)
{
    size_t found = 0;
    GV_TRY(gv_reader_peek(reader, tag, &found));
    if (found != size) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint's part '%s' has %zu bytes, expected %zu; it is of another "
                       "scenario or version",
                       tag, found, size);
    }
    const unsigned char *source = NULL;
    GV_TRY(gv_reader_view(reader, tag, &source, &found));
    if (size > 0) {
        memcpy(bytes, source, size);
    }
    return GV_OK;
}

bool gv_reader_is_done(const gv_reader *reader)
{
    return reader->position == reader->size;
}
