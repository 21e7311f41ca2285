/* A checkpoint on disk: a header that names size and hash, then the sections as they are. */
#include <inttypes.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/core/checkpoint_impl.h"

enum { FORMAT_VERSION = 1, BYTE_ORDER_MARK = 0x01020304, BYTE_ORDER_FOREIGN = 0x04030201 };

/* The line ends and the high byte show a transfer that mangled the file as text. */
static const char magic[8] = {'G', 'V', 'C', 'K', (char)0x89, '\r', '\n', '\x1a'};

gv_checkpoint_header gv_checkpoint_header_of(const unsigned char *bytes, size_t size)
{
    gv_checkpoint_header header = {
        .version = FORMAT_VERSION,
        .byte_order = BYTE_ORDER_MARK,
        .size = size,
        .hash = gv_hash(bytes, size),
    };
    memcpy(header.magic, magic, sizeof magic);
    return header;
}

gv_status gv_checkpoint_write(const char *path, const gv_writer *writer)
{
    const gv_checkpoint_header header = gv_checkpoint_header_of(writer->bytes, writer->size);
    gv_file_writer *file = NULL;
    GV_TRY(gv_file_writer_create(path, &file));
    gv_status status = gv_file_write(file, &header, sizeof header);
    if (status == GV_OK) {
        status = gv_file_write(file, writer->bytes, writer->size);
    }
    if (status != GV_OK) {
        gv_file_abandon(file);
        return status;
    }
    return gv_file_commit(file);
}

/* Is it a checkpoint, of this version and byte order? */
static gv_status check_kind(const char *path, const gv_checkpoint_header *header)
{
    if (memcmp(header->magic, magic, sizeof magic) != 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: not a checkpoint of Gavel", path);
    }
    if (header->byte_order == BYTE_ORDER_FOREIGN) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the checkpoint was written on a machine of the other byte order; go on "
                       "with it there",
                       path);
    }
    if (header->version != FORMAT_VERSION) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the checkpoint has format version %" PRIu32
                       ", this program reads %d; go on with the program that wrote it",
                       path, header->version, FORMAT_VERSION);
    }
    if (header->byte_order != BYTE_ORDER_MARK) {
        return GV_FAIL(GV_ECORRUPT, "%s: the checkpoint's header is damaged", path);
    }
    return GV_OK;
}

gv_status gv_checkpoint_check(const char *path, const unsigned char *bytes, size_t size)
{
    gv_checkpoint_header header;
    if (size < sizeof header) {
        return GV_FAIL(GV_ECORRUPT, "%s: %zu bytes are too few for a checkpoint of Gavel", path,
                       size);
    }
    memcpy(&header, bytes, sizeof header);
    GV_TRY(check_kind(path, &header));
    const size_t found = size - sizeof header;
    if (header.size != found) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the checkpoint is %s: it names %" PRIu64 " bytes, the file holds %zu",
                       path, found < header.size ? "cut short" : "too long", header.size, found);
    }
    if (gv_hash(bytes + sizeof header, found) != header.hash) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the checkpoint is damaged: its checksum does not fit; start from an "
                       "older one or anew",
                       path);
    }
    return GV_OK;
}

static gv_status copy_sections(const gv_file_map *map, gv_writer *writer)
{
    const size_t size = map->size - sizeof(gv_checkpoint_header);
    unsigned char *bytes = gv_mem_alloc(0, size, 1);
    if (bytes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a checkpoint of %zu bytes", size);
    }
    memcpy(bytes, map->bytes + sizeof(gv_checkpoint_header), size);
    *writer = (gv_writer){.bytes = bytes, .size = size, .capacity = size};
    return GV_OK;
}

gv_status gv_checkpoint_read(const char *path, gv_writer *writer)
{
    gv_file_map map = {0};
    GV_TRY(gv_file_map_open(path, &map));
    gv_status status = gv_checkpoint_check(path, map.bytes, map.size);
    if (status == GV_OK) {
        status = copy_sections(&map, writer);
    }
    gv_file_map_close(&map);
    return status;
}
