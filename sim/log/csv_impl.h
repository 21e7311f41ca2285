/*
 * csv_impl.h - quoted text (RFC 4180) into rows, by libcsv, strictly; pieces whose quotes are
 * simple by the splitter, which gives the same cells.
 *
 * A stray quote or one that never ends makes its row a fault; reading goes on at the next line.
 * Lines are physical: a newline inside quotes counts, so a row is named by the line where it
 * begins. Spaces around an unquoted field are not part of it, as libcsv has it.
 */
#ifndef SIM_LOG_CSV_IMPL_H
#define SIM_LOG_CSV_IMPL_H

#include "sim/log/input_impl.h"
#include "sim/log/rows_impl.h"

typedef struct gv_csv gv_csv;

/* `delimiter`: any byte but a quote or a newline. */
GV_MUST_CHECK gv_status gv_csv_create(char delimiter, gv_csv **out);
void gv_csv_destroy(gv_csv *csv); /* accepts NULL */

/*
 * Reads a piece of the input and gives the rows that end in it, which are valid until the next
 * call; *has_ended with the last of them. An empty line may be a row of one empty cell.
 * `buffer`: [GV_INPUT_ROOM + GV_INPUT_PAD].
 */
GV_MUST_CHECK gv_status gv_csv_read(gv_csv *csv, gv_input *input, char *buffer,
                                    const gv_rows **rows, bool *has_ended);

#endif
