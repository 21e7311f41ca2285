#include <math.h>

#include "models/nn/cross_impl.h"
#include "models/nn/cross_shared_impl.h"

/* One head of a request, and of the candidate at hand. Rows of queries and results are `width`
   apart, of pairs 2 width; a head's numbers begin at `column`. */
typedef struct shared_head {
    const gv_cross_shared *task;
    size_t column;
    size_t request, candidate;
    size_t pitch[CROSS_PARTS];
    float scale;
    float *turned[CROSS_PARTS]; /* [head width][pitch] */
    float *shares[CROSS_PARTS]; /* [pitch] */
    float *scores;              /* [MIXED][both pitches] */
    float *shifts, *sums;       /* [queries] of the user's queries over the user's keys */
    float *mixed;               /* [queries][head width] likewise, not yet divided */
} shared_head;

static size_t key_count(const gv_cross_shared *task, int part)
{
    size_t count = 0;
    for (size_t i = 0; i < task->key_counts[part]; i++) {
        count += task->keys[part][i].count;
    }
    return count;
}

REAL_INLINE const float *pairs_of(const shared_head *head, int part, const gv_cross_keys *keys)
{
    const size_t row = part == CROSS_USER ? head->request : head->candidate;
    return keys->pairs + row * keys->count * 2 * head->task->width + head->column;
}

REAL_INLINE float *out_of(const shared_head *head, size_t query)
{
    const gv_cross_shared *task = head->task;
    return task->out + (head->candidate * task->queries + query) * task->width + head->column;
}

REAL_INLINE void turn_part(const shared_head *head, int part, size_t columns)
{
    float *turned = head->turned[part];
    if (head->pitch[part] == 0) {
        return;
    }
    clear_turned(head->pitch[part], columns, turned);
    for (size_t i = 0; i < head->task->key_counts[part]; i++) {
        const gv_cross_keys *keys = &head->task->keys[part][i];
        turn_rows(pairs_of(head, part, keys), keys->count, 2 * head->task->width, head->pitch[part],
                  columns, turned);
        turned += keys->count;
    }
}

/* Shares of the keys as the user has them, once a request. */
static void share_part(const shared_head *head, int part)
{
    const gv_cross_shared *task = head->task;
    const size_t number = head->column / (task->width / task->heads) % task->share_heads;
    const size_t row = head->request * task->share_heads + number;
    const float *given = task->shares == NULL ? NULL : task->shares + row * task->share_keys;
    size_t count = 0;
    for (size_t i = 0; i < task->key_counts[part]; i++) {
        const gv_cross_keys *keys = &task->keys[part][i];
        take_shares(given == NULL ? NULL : given + keys->first, keys->count,
                    head->shares[part] + count);
        count += keys->count;
    }
    hide_rest(count, head->shares[part]);
}

REAL_INLINE void score_part(const shared_head *head, int part, size_t query, size_t columns,
                            float *scores)
{
    const gv_cross_shared *task = head->task;
    const size_t row = task->is_user_query ? head->request : head->candidate;
    const float *x = task->query + (row * task->queries + query) * task->width + head->column;
    times_turned(x, head->turned[part], head->pitch[part], columns, scores);
    hide_keys(head->shares[part], head->pitch[part], scores);
}

/* to: `sums`, `width` and `adds` of what `queries` weights p, `pitch` apart, mix. */
REAL_INLINE void mix_part(const shared_head *head, int part, const float *p, size_t pitch,
                          cross_mix to, size_t queries, size_t columns)
{
    to.p = p;
    to.pitch = pitch;
    to.step = 2 * head->task->width;
    for (size_t i = 0; i < head->task->key_counts[part]; i++) {
        const gv_cross_keys *keys = &head->task->keys[part][i];
        to.values = pairs_of(head, part, keys) + head->task->width;
        to.keys = keys->count;
        mix_rows(&to, queries, columns);
        to.p += keys->count;
        to.adds = true;
    }
}

REAL_INLINE size_t mixed_now(const shared_head *head, size_t first)
{
    const size_t left = head->task->queries - first;
    return left < MIXED ? left : MIXED;
}

/* A user's queries over the user's keys, once a request. */
REAL_INLINE void begin_queries(const shared_head *head, size_t columns)
{
    const size_t pitch = head->pitch[CROSS_USER];
    for (size_t first = 0; first < head->task->queries; first += MIXED) {
        const size_t count = mixed_now(head, first);
        for (size_t m = 0; m < count; m++) {
            float *scores = head->scores + m * pitch;
            score_part(head, CROSS_USER, first + m, columns, scores);
            const float shift = max_of(scores, pitch);
            head->shifts[first + m] = shift;
            head->sums[first + m] =
                raise_scores(scores, head->shares[CROSS_USER], pitch, head->scale, shift);
        }
        const cross_mix to = {.sums = head->mixed + first * columns, .width = columns};
        mix_part(head, CROSS_USER, head->scores, pitch, to, count, columns);
    }
}

/* What a user's query has of both parts of the keys: begins its result, before it is divided, and
   returns by what. 0: it sees no key. */
REAL_INLINE float meet_own(const shared_head *head, size_t query, float *scores, size_t columns)
{
    const size_t pitch = head->pitch[CROSS_OWN];
    float *out = out_of(head, query);
    score_part(head, CROSS_OWN, query, columns, scores);
    const float own = max_of(scores, pitch);
    const float users = head->shifts[query];
    const float shift = users > own ? users : own;
    const float factor = real_exp(head->scale * (users - shift));
    for (size_t j = 0; j < columns; j++) {
        out[j] = factor * head->mixed[query * columns + j];
    }
    return factor * head->sums[query] +
           raise_scores(scores, head->shares[CROSS_OWN], pitch, head->scale, shift);
}

/* A user's queries over a candidate's keys, taken up where begin_queries() has left them. */
REAL_INLINE void end_queries(const shared_head *head, size_t columns)
{
    const size_t pitch = head->pitch[CROSS_OWN];
    const size_t width = head->task->width;
    for (size_t first = 0; first < head->task->queries; first += MIXED) {
        const size_t count = mixed_now(head, first);
        float *out = out_of(head, first);
        float totals[MIXED];
        for (size_t m = 0; m < count; m++) {
            totals[m] = meet_own(head, first + m, head->scores + m * pitch, columns);
        }
        const cross_mix to = {.sums = out, .width = width, .adds = true};
        mix_part(head, CROSS_OWN, head->scores, pitch, to, count, columns);
        for (size_t m = 0; m < count; m++) {
            const float factor = totals[m] == 0 ? 0 : 1 / totals[m];
            for (size_t j = 0; j < columns; j++) {
                out[m * width + j] *= factor;
            }
        }
    }
}

/* Weights of one query of a candidate over both parts. */
REAL_INLINE void weigh_both(const shared_head *head, size_t query, float *scores, size_t columns)
{
    const size_t user = head->pitch[CROSS_USER];
    const size_t own = head->pitch[CROSS_OWN];
    const size_t pitch = user + own;
    score_part(head, CROSS_USER, query, columns, scores);
    score_part(head, CROSS_OWN, query, columns, scores + user);
    const float shift = max_of(scores, pitch);
    const float total =
        raise_scores(scores, head->shares[CROSS_USER], user, head->scale, shift) +
        raise_scores(scores + user, head->shares[CROSS_OWN], own, head->scale, shift);
    const float factor = total == 0 ? 0 : 1 / total;
    for (size_t n = 0; n < pitch; n++) {
        scores[n] *= factor;
    }
}

/* A candidate's queries. */
REAL_INLINE void attend_both(const shared_head *head, size_t columns)
{
    const size_t user = head->pitch[CROSS_USER];
    const size_t pitch = user + head->pitch[CROSS_OWN];
    for (size_t first = 0; first < head->task->queries; first += MIXED) {
        const size_t count = mixed_now(head, first);
        for (size_t m = 0; m < count; m++) {
            weigh_both(head, first + m, head->scores + m * pitch, columns);
        }
        cross_mix to = {.sums = out_of(head, first), .width = head->task->width};
        mix_part(head, CROSS_USER, head->scores, pitch, to, count, columns);
        to.adds = true;
        mix_part(head, CROSS_OWN, head->scores + user, pitch, to, count, columns);
    }
}

REAL_INLINE void begin_request(const shared_head *head, bool is_user_query, size_t columns)
{
    turn_part(head, CROSS_USER, columns);
    if (is_user_query) {
        begin_queries(head, columns);
    }
}

REAL_INLINE void attend_candidate(const shared_head *head, bool is_user_query, size_t columns)
{
    turn_part(head, CROSS_OWN, columns);
    if (is_user_query) {
        end_queries(head, columns);
    } else {
        attend_both(head, columns);
    }
}

GV_VECTOR static void request_head(const shared_head *head, bool is_user_query, size_t columns){
    BY_COLUMNS(begin_request, head, is_user_query, columns)}

GV_VECTOR static void candidate_head(const shared_head *head, bool is_user_query, size_t columns){
    BY_COLUMNS(attend_candidate, head, is_user_query, columns)}

size_t gv_cross_shared_work(const gv_cross_shared *task)
{
    const size_t columns = task->width / task->heads;
    const size_t both =
        cross_pitch(key_count(task, CROSS_USER)) + cross_pitch(key_count(task, CROSS_OWN));
    return (columns + 1 + MIXED) * both + task->queries * (columns + 2);
}

/* Scratch of one head after another is the same. */
static shared_head begin_head(const gv_cross_shared *task)
{
    const size_t columns = task->width / task->heads;
    shared_head head = {.task = task, .scale = (float)(1.0 / sqrt((double)columns))};
    float *work = task->work;
    for (int part = 0; part < CROSS_PARTS; part++) {
        head.pitch[part] = cross_pitch(key_count(task, part));
        head.turned[part] = work;
        head.shares[part] = work + columns * head.pitch[part];
        work += (columns + 1) * head.pitch[part];
    }
    head.scores = work;
    head.shifts = head.scores + MIXED * (head.pitch[CROSS_USER] + head.pitch[CROSS_OWN]);
    head.sums = head.shifts + task->queries;
    head.mixed = head.sums + task->queries;
    return head;
}

void gv_cross_shared_attend(const gv_cross_shared *task)
{
    const size_t columns = task->width / task->heads;
    shared_head head = begin_head(task);
    for (size_t r = 0; r < task->requests; r++) {
        head.request = r;
        for (head.column = 0; head.column < task->width; head.column += columns) {
            share_part(&head, CROSS_USER);
            share_part(&head, CROSS_OWN);
            request_head(&head, task->is_user_query, columns);
            for (size_t c = r == 0 ? 0 : task->ends[r - 1]; c < task->ends[r]; c++) {
                head.candidate = c;
                candidate_head(&head, task->is_user_query, columns);
            }
        }
    }
}
