/*
 * Users' draws, for a piece at once: by single calls they took a quarter of the time. Against
 * recorded rivals a lone seat has few slots, so there each draw is made when it is asked for.
 */
#include "sim/market/exchange_impl.h"

enum { PIECE = GV_EXCHANGE_PIECE };

void gv_exchange_draw_responses(gv_exchange *exchange, size_t from)
{
    const gv_exchange_config *config = &exchange->config;
    const size_t count = exchange->page_count;
    const uint64_t first = exchange->next + from;
    if (config->rivals != NULL) {
        return;
    }
    gv_response_seen_all(config->response, first, count - from, exchange->piece_seen + from);
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        const size_t at = slot * PIECE + from;
        gv_ranking_bidders(&exchange->ranking, exchange->keys + at, count - from,
                           exchange->bidders);
        gv_response_luck_all(config->response, first, count - from, exchange->bidders,
                             exchange->luck + at);
    }
}

uint32_t gv_exchange_seen(const gv_exchange *exchange, size_t row)
{
    const gv_exchange_config *config = &exchange->config;
    return config->rivals == NULL
               ? exchange->piece_seen[row]
               : gv_response_seen(config->response, exchange->next + exchange->pages[row]);
}

double gv_exchange_luck(const gv_exchange *exchange, size_t slot, size_t row)
{
    const gv_exchange_config *config = &exchange->config;
    if (config->rivals == NULL) {
        return exchange->luck[slot * PIECE + row];
    }
    double luck = 0.0;
    gv_response_luck_all(config->response, exchange->next + exchange->pages[row], 1,
                         &config->rivals->number, &luck);
    return luck;
}
