/* Quoted text through a mapping that has every form of cell. */
#include "fuzz/fuzz_reader.h"
#include "sim/log/mapping_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "columns:\n"
                               "  when: {role: time, format: '%Y-%m-%d %H:%M:%S.%f %z'}\n"
                               "  price: {role: price, unit: 0.01 currency, empty: '0'}\n"
                               "  bid: {role: bid, unit: nanos}\n"
                               "  p: pctr\n"
                               "  site: domain\n"
                               "  id: {role: bid_id, missing: NA}\n"
                               "  kind: {name: kind}\n"
                               "  n: {name: n, kind: integer}\n"
                               "rows: {column: table, impression: i, click: c}\n";
    static gv_mapping *mapping; /* kept from one call to the next */
    if (mapping == NULL) {
        const gv_status status = gv_mapping_parse("m.yaml", text, sizeof text - 1, &mapping);
        assert(status == GV_OK);
    }
    fuzz_read(gv_mapping_plan(mapping), "log.csv", data, size);
    return 0;
}
