/*
 * auctionnet_write.h - writes AuctionNet's 18 columns of CSV as pandas would, rows sorted by tick,
 * opportunity and advertiser, so that its readers and ours read back the same bits.
 *
 * Numbers are the shortest decimals that read back to the same double, whole ones with ".0", as
 * all columns of the published files are floats. Rows go out as they come: only a buffer is held.
 */
#ifndef SIM_LOG_AUCTIONNET_WRITE_H
#define SIM_LOG_AUCTIONNET_WRITE_H

#include <stddef.h>

#include "sim/base/status.h"
#include "sim/log/auctionnet.h"

enum { GV_AUCTIONNET_NUMBER_SIZE = 32 };

/* The number and a NUL; returns its length. text: [GV_AUCTIONNET_NUMBER_SIZE]; finite. */
size_t gv_auctionnet_print(double number, char *text);

typedef struct gv_auctionnet_writer gv_auctionnet_writer;

/* The file is whole or absent (file.h). On GV_OK the caller ends it with commit or abandon. */
GV_MUST_CHECK gv_status gv_auctionnet_writer_create(const char *path, gv_auctionnet_writer **out);

/*
 * Appends a tick, or a part of one, with all its columns set. The order of periods and ticks is the
 * caller's care.
 */
GV_MUST_CHECK gv_status gv_auctionnet_write(gv_auctionnet_writer *writer,
                                            const gv_auctionnet_tick *tick);

/* Renames it into place and frees `writer`, also on failure. */
GV_MUST_CHECK gv_status gv_auctionnet_writer_commit(gv_auctionnet_writer *writer);
void gv_auctionnet_writer_abandon(gv_auctionnet_writer *writer); /* accepts NULL */

#endif
