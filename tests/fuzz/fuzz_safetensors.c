/* Any bytes as a safetensors file: what is accepted can be read to its last byte. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sim/base/safetensors.h"

static size_t sum_of(const gv_tensor *tensor)
{
    const unsigned char *bytes = tensor->data;
    size_t sum = strlen(tensor->name);
    for (size_t i = 0; i < gv_tensor_size(tensor); i++) {
        sum += bytes[i];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_safetensors *file = NULL;
    unsigned char *bytes = aligned_alloc(8, (size + 8) / 8 * 8);
    if (bytes == NULL) {
        return 0;
    }
    memcpy(bytes, data, size);
    const gv_status status = gv_safetensors_open_bytes("fuzz", bytes, size, &file);
    assert(status == GV_OK || status == GV_EPARSE || status == GV_ECORRUPT);
    if (status == GV_OK) {
        for (size_t i = 0; i < gv_safetensors_count(file); i++) {
            const gv_tensor *tensor = gv_safetensors_at(file, i);
            assert(gv_safetensors_find(file, tensor->name) == tensor);
            assert(sum_of(tensor) >= strlen(tensor->name));
        }
        gv_safetensors_close(file);
    }
    free(bytes);
    return 0;
}
