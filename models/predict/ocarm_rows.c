/* Rows of a view as the networks' inputs. */
#include <string.h>

#include "models/predict/ocarm_impl.h"

static void put_token(float *token, int32_t type, float second, float third)
{
    memset(token, 0, GV_ITEM_TYPES * sizeof *token);
    token[type] = 1;
    token[GV_ITEM_TYPES] = second;
    token[GV_ITEM_TYPES + 1] = third;
}

void gv_ocarm_put_past(const gv_bid_sight *sight, float *tokens)
{
    for (size_t i = 0; i < sight->past_count; i++) {
        put_token(tokens + i * GV_OCARM_PAST_TOKEN, (int32_t)sight->past[i].type,
                  sight->past[i].dwell, sight->past[i].age);
    }
}

void gv_ocarm_put_sight(gv_tape *tape, const gv_sight_nodes *nodes, const gv_reentry_view *view,
                        size_t row, size_t place)
{
    float *x = gv_tape_f32(tape, nodes->x) + place * GV_USER_FEATURES;
    float *tokens =
        gv_tape_f32(tape, nodes->past) + place * GV_USER_PAST * (size_t)GV_OCARM_PAST_TOKEN;
    float *valid = gv_tape_f32(tape, nodes->valid) + place * GV_USER_PAST;
    memcpy(x, view->x + row * GV_USER_FEATURES, GV_USER_FEATURES * sizeof *x);
    memset(tokens, 0, GV_USER_PAST * (size_t)GV_OCARM_PAST_TOKEN * sizeof *tokens);
    for (size_t i = 0; i < GV_USER_PAST; i++) {
        const size_t at = row * GV_USER_PAST + i;
        valid[i] = i < (size_t)view->past_count[row] ? 1.0F : 0.0F;
        if (valid[i] > 0.0F) {
            put_token(tokens + i * GV_OCARM_PAST_TOKEN, view->past_type[at], view->past_dwell[at],
                      view->past_age[at]);
        }
    }
}

void gv_ocarm_put_content(gv_tape *tape, const gv_content_nodes *nodes, const gv_reentry_view *view,
                          size_t row, size_t place)
{
    const size_t items = (size_t)GV_ONBOARDING_SESSIONS * GV_ONBOARDING_ITEMS;
    float *tokens = gv_tape_f32(tape, nodes->items) + place * items * GV_OCARM_ITEM_TOKEN;
    float *gaps = gv_tape_f32(tape, nodes->gaps) + place * GV_ONBOARDING_SESSIONS;
    float *valid = gv_tape_f32(tape, nodes->valid) + place * GV_ONBOARDING_SESSIONS;
    memcpy(gaps, view->session_gap + row * GV_ONBOARDING_SESSIONS,
           GV_ONBOARDING_SESSIONS * sizeof *gaps);
    memset(tokens, 0, items * GV_OCARM_ITEM_TOKEN * sizeof *tokens);
    for (size_t i = 0; i < items; i++) {
        const size_t session = i / GV_ONBOARDING_ITEMS;
        const size_t at = row * items + i;
        valid[session] = session < (size_t)view->session_count[row] ? 1.0F : 0.0F;
        if (valid[session] > 0.0F) {
            put_token(tokens + i * GV_OCARM_ITEM_TOKEN, view->item_type[at], view->item_dwell[at],
                      view->item_like[at]);
        }
    }
}
