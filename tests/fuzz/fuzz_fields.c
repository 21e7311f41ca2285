/* Any bytes as a declaration of fields; one that is accepted is printed and read to the same. */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "models/predict/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gv_fields fields;
    static gv_fields again;
    static char text[GV_FIELDS_TEXT_SIZE];
    static char other[GV_FIELDS_TEXT_SIZE];
    const gv_status status = gv_fields_parse((const char *)data, size, &fields);
    if (status != GV_OK) {
        assert(status == GV_EUSAGE);
        assert(strncmp(gv_status_detail(), "fields: ", 8) == 0);
        return 0;
    }
    assert(fields.count >= 1);
    assert((fields.past_length == 0) == (fields.past_count == 0));
    gv_fields_print(&fields, text, sizeof text);
    assert(gv_fields_parse(text, strlen(text), &again) == GV_OK);
    gv_fields_print(&again, other, sizeof other);
    assert(strcmp(text, other) == 0);
    return 0;
}
