/*
 * sheet.h - a small table of text, whole in memory: side data such as an arrival curve.
 *
 * A CSV (RFC 4180) with a header; plain, gz, bz2, zst, xz or lz4. Every row has as many cells as
 * the header; empty lines are skipped. Numbers are for the caller to read, who knows their meaning.
 */
#ifndef SIM_LOG_SHEET_H
#define SIM_LOG_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/chunk.h"

enum { GV_SHEET_SIZE_MAX = 1 << 26 }; /* bytes of all cells together */

typedef struct gv_sheet gv_sheet;

/* A row that is not whole is GV_EPARSE and named by its line, a missing file GV_EIO. */
GV_MUST_CHECK gv_status gv_sheet_read(const char *path, gv_sheet **out);
void gv_sheet_destroy(gv_sheet *sheet); /* accepts NULL */

const char *gv_sheet_path(const gv_sheet *sheet);

/* Rows below the header. */
size_t gv_sheet_row_count(const gv_sheet *sheet);

/* The line of a row, from 1. */
uint64_t gv_sheet_line(const gv_sheet *sheet, size_t row);

/* The number of the column of that name; false when the header has none. */
bool gv_sheet_find(const gv_sheet *sheet, const char *name, size_t *column);

/* Valid while the sheet lives; not NUL-ended. */
gv_span gv_sheet_cell(const gv_sheet *sheet, size_t row, size_t column);

#endif
