#include "fuzz/fuzz_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)fuzz_format("yzx", "log.txt", data, size);
    return fuzz_format("yzbx", "log.txt", data, size);
}
