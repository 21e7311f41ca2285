/* Any bytes as a mapping file; one that is accepted then reads a few rows. */
#include "fuzz/fuzz_reader.h"
#include "sim/log/mapping_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char rows[] = "when,price,click\n2013-06-06 12:30:05,12.5,1\n1370521805,x,0\n";
    gv_mapping *mapping = NULL;
    const gv_status status = gv_mapping_parse("m.yaml", (const char *)data, size, &mapping);
    assert(status == GV_OK || status == GV_EUSAGE);
    if (status == GV_OK) {
        fuzz_read(gv_mapping_plan(mapping), "imp.csv", (const uint8_t *)rows, sizeof rows - 1);
    } else {
        assert(strstr(gv_status_detail(), "m.yaml") != NULL);
    }
    gv_mapping_destroy(mapping);
    return 0;
}
