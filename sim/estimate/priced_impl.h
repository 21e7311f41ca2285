/*
 * priced_impl.h - a log of auctions in rising order of the times that its curves are drawn of.
 */
#ifndef SIM_ESTIMATE_PRICED_IMPL_H
#define SIM_ESTIMATE_PRICED_IMPL_H

#include "sim/estimate/priced.h"

/* Copies, since curves of ordered times need no sort of their own. */
typedef struct gv_priced_order {
    gv_priced priced;   /* its arrays are those below */
    double *times;      /* [count]: price where won, bid where not */
    double *reals;      /* [4][count]: bids, prices, rewards, judged */
    uint8_t *won;       /* [count] */
    uint32_t *clusters; /* [count] */
} gv_priced_order;

/* On GV_OK and not, to be dropped by gv_priced_order_fini(). */
GV_MUST_CHECK gv_status gv_priced_order_init(gv_priced_order *order, const gv_priced *priced);
void gv_priced_order_fini(gv_priced_order *order);

#endif
