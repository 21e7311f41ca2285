/*
 * The opener of logs and everything behind it, on bytes from anywhere. The checksums of header
 * and directory are made to agree first, or no mutation would get past them; those of blocks and
 * dictionaries guard what they guard.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "log_walk.h"
#include "sim/base/hash.h"
#include "sim/log/format_impl.h"

static void seal(unsigned char *bytes, size_t size)
{
    gv_format_header header;
    if (size < sizeof header) {
        return;
    }
    memcpy(&header, bytes, sizeof header);
    if (header.directory_offset <= size &&
        header.directory_size <= size - header.directory_offset) {
        header.directory_hash = gv_hash(bytes + header.directory_offset, header.directory_size);
    }
    header.file_size = size;
    header.header_hash = gv_hash(&header, offsetof(gv_format_header, header_hash));
    memcpy(bytes, &header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_log *log = NULL;
    uint64_t sum = 0;
    unsigned char *bytes = aligned_alloc(GV_FORMAT_ALIGNMENT, gv_format_align(size + 1));
    if (bytes == NULL) {
        return 0;
    }
    memcpy(bytes, data, size);
    if (size % 2 == 0) { /* an odd one, then, is taken as it is */
        seal(bytes, size);
    }
    if (gv_log_open_bytes("fuzz", bytes, size, &log) == GV_OK) {
        (void)log_walk(log, &sum);
        gv_log_close(log);
    }
    free(bytes);
    return 0;
}
