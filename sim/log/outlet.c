#include <string.h>

#include "sim/log/outlet_impl.h"

gv_status gv_outlet_init(gv_outlet *outlet, const gv_log_schema *schema, uint32_t file,
                         gv_log_table table)
{
    GV_TRY(gv_chunk_init(&outlet->chunk, schema, GV_OUTLET_ROWS));
    outlet->chunk.file = file;
    outlet->chunk.table = table;
    return GV_OK;
}

void gv_outlet_fini(gv_outlet *outlet)
{
    gv_chunk_fini(&outlet->chunk);
}

size_t gv_outlet_begin(gv_outlet *outlet)
{
    const size_t row = outlet->chunk.row_count++;
    outlet->chunk.lines[row] = ++outlet->line;
    return row;
}

gv_status gv_outlet_flush(gv_outlet *outlet)
{
    outlet->chunk.first_line = outlet->line - outlet->chunk.row_count + 1;
    GV_TRY(gv_builder_add(outlet->builder, &outlet->chunk));
    gv_chunk_reset(&outlet->chunk);
    return GV_OK;
}

gv_status gv_outlet_end(gv_outlet *outlet)
{
    return outlet->chunk.row_count == GV_OUTLET_ROWS ? gv_outlet_flush(outlet) : GV_OK;
}

gv_span gv_outlet_text(const char *text)
{
    return (gv_span){.bytes = text, .size = strlen(text)};
}
