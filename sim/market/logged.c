/*
 * A log as a source. Without filters a piece is pointers into the map, and the only bytes that
 * loading touches are those not yet checked; with filters the chosen rows' cells are gathered
 * into scratch.
 */
#include "sim/market/logged.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/vector.h"
#include "sim/market/logged_impl.h"

/* Columns that a piece has, one of each kind of cell. */
enum { TIME, RIVAL, FLOOR, INTEGER_COUNT };
enum { PCTR, PCVR, REAL_COUNT };

typedef struct logged_source {
    gv_source base; /* first: a gv_source * is a logged_source * */
    const gv_log *log;
    const gv_predictor *predictor;
    const gv_log_column *integers[INTEGER_COUNT]; /* NULL: not handed out */
    const gv_log_column *reals[REAL_COUNT];
    gv_bound_filter *filters; /* [filter_count] */
    size_t filter_count;
    gv_event_record *events; /* [base.event_max] */
    uint64_t *rows;          /* scratch, each [GV_OPPORTUNITY_PIECE] */
    int64_t *integer_cells[INTEGER_COUNT];
    double *real_cells[REAL_COUNT];
    const gv_belief *belief; /* NULL: what is predicted is believed */
    const gv_truth *truth;   /* NULL: the predictions */
    bool tells_truth;
    const gv_log_column *cold_by; /* NULL: none */
    double *true_cells;           /* these two are scratch as well */
    uint64_t *groups;
    uint64_t seen; /* rows from begin to here have had their rates looked at */
} logged_source;

GV_VECTOR
static size_t count_improbable(const double *numbers, size_t count)
{
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        bad += !(numbers[i] >= 0.0 && numbers[i] <= 1.0);
    }
    return bad;
}

static gv_status check_probabilities(const logged_source *self, const double *numbers,
                                     const gv_opportunities *piece, const char *name)
{
    if (count_improbable(numbers, piece->count) == 0) {
        return GV_OK;
    }
    size_t i = 0;
    while (numbers[i] >= 0.0 && numbers[i] <= 1.0) {
        i++;
    }
    const uint64_t row = piece->ids == NULL ? piece->first_id + i : piece->ids[i];
    return GV_FAIL(GV_ECORRUPT, "%s: %s of row %" PRIu64 " is %g, expected a probability",
                   gv_log_path(self->log), name, row, numbers[i]);
}

/* The events of rows [first, next), by bisection. */
static void attach_events(const logged_source *self, uint64_t first, uint64_t next,
                          gv_opportunities *piece)
{
    size_t bounds[2];
    const uint64_t rows[2] = {first, next};
    for (size_t side = 0; side < 2; side++) {
        size_t low = 0;
        size_t high = self->base.event_max;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (self->events[middle].opportunity < rows[side]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        bounds[side] = low;
    }
    piece->events = self->events + bounds[0];
    piece->event_count = bounds[1] - bounds[0];
}

static void gather_integers(const int64_t *cells, const uint64_t *rows, size_t count, int64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = cells[rows[i]];
    }
}

static void gather_reals(const double *cells, const uint64_t *rows, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = cells[rows[i]];
    }
}

/* The column's cells for the piece: in the map, or gathered where `rows` is not NULL. */
static gv_status integer_cells(const logged_source *self, size_t column,
                               const gv_opportunities *piece, const int64_t **cells)
{
    const gv_log_column *source = self->integers[column];
    *cells = NULL;
    if (source == NULL) {
        return GV_OK;
    }
    if (piece->ids == NULL) {
        GV_TRY(gv_log_check(source, piece->first_id, piece->count));
        *cells = gv_log_integers(source) + piece->first_id;
        return GV_OK;
    }
    const uint64_t first = piece->ids[0];
    GV_TRY(gv_log_check(source, first, piece->ids[piece->count - 1] - first + 1));
    gather_integers(gv_log_integers(source), piece->ids, piece->count, self->integer_cells[column]);
    *cells = self->integer_cells[column];
    return GV_OK;
}

static gv_status real_cells(const logged_source *self, size_t column, const gv_opportunities *piece,
                            const double **cells)
{
    const gv_log_column *source = self->reals[column];
    *cells = NULL;
    if (source == NULL) {
        return GV_OK;
    }
    if (piece->ids == NULL) {
        GV_TRY(gv_log_check(source, piece->first_id, piece->count));
        *cells = gv_log_reals(source) + piece->first_id;
    } else {
        const uint64_t first = piece->ids[0];
        GV_TRY(gv_log_check(source, first, piece->ids[piece->count - 1] - first + 1));
        gather_reals(gv_log_reals(source), piece->ids, piece->count, self->real_cells[column]);
        *cells = self->real_cells[column];
    }
    return GV_OK;
}

/*
 * What a checksum cannot promise, that rates are rates, is looked at when a source first passes
 * them, while they are on their way through the cache.
 */
static gv_status validate(logged_source *self, uint64_t next, const gv_opportunities *piece)
{
    if (self->reals[PCTR] != NULL) {
        GV_TRY(check_probabilities(self, piece->pctr, piece, gv_log_role_name(GV_ROLE_PCTR)));
    }
    if (self->reals[PCVR] != NULL) {
        GV_TRY(check_probabilities(self, piece->pcvr, piece, gv_log_role_name(GV_ROLE_PCVR)));
    }
    if (piece->first_id == self->seen) {
        self->seen = next;
    }
    return GV_OK;
}

static void list_rows(const logged_source *self, const gv_opportunities *piece)
{
    for (size_t i = 0; piece->ids == NULL && i < piece->count; i++) {
        self->rows[i] = piece->first_id + i;
    }
}

static gv_status predict(const logged_source *self, gv_opportunities *piece)
{
    double *pctr = self->real_cells[PCTR];
    GV_TRY(gv_predictor_predict(self->predictor, self->rows, piece->count, pctr));
    piece->pctr = pctr;
    return GV_OK;
}

/* Before what is predicted is disturbed. */
static gv_status tell_truth(const logged_source *self, gv_opportunities *piece)
{
    if (self->truth != NULL && self->truth->predictor != NULL) {
        GV_TRY(gv_predictor_predict(self->truth->predictor, self->rows, piece->count,
                                    self->true_cells));
    } else if (piece->pctr != NULL) {
        memcpy(self->true_cells, piece->pctr, piece->count * sizeof *self->true_cells);
    } else {
        return GV_OK;
    }
    piece->truth = self->true_cells;
    return GV_OK;
}

/* Hashes of the values that share their being cold. */
static gv_status group(const logged_source *self, const gv_opportunities *piece)
{
    const uint64_t first = self->rows[0];
    GV_TRY(gv_log_check(self->cold_by, first, self->rows[piece->count - 1] - first + 1));
    for (size_t i = 0; i < piece->count; i++) {
        size_t size = 0;
        const char *text = gv_log_text(self->cold_by, self->rows[i], &size);
        self->groups[i] = gv_hash(text, size);
    }
    return GV_OK;
}

static gv_status disturb(const logged_source *self, gv_opportunities *piece)
{
    double *believed = self->real_cells[PCTR];
    if (piece->pctr != believed) {
        memcpy(believed, piece->pctr, piece->count * sizeof *believed);
    }
    if (self->cold_by != NULL) {
        GV_TRY(group(self, piece));
    }
    gv_belief_apply(self->belief, self->rows, self->cold_by == NULL ? NULL : self->groups,
                    piece->count, believed);
    piece->pctr = believed;
    return GV_OK;
}

static gv_status fill(const logged_source *self, gv_opportunities *piece)
{
    GV_TRY(integer_cells(self, TIME, piece, &piece->time_us));
    GV_TRY(integer_cells(self, RIVAL, piece, &piece->rival_nanos));
    GV_TRY(integer_cells(self, FLOOR, piece, &piece->floor_nanos));
    GV_TRY(real_cells(self, PCTR, piece, &piece->pctr));
    GV_TRY(real_cells(self, PCVR, piece, &piece->pcvr));
    if (self->predictor == NULL && !self->tells_truth && self->belief == NULL) {
        return GV_OK;
    }
    list_rows(self, piece);
    if (self->predictor != NULL) {
        GV_TRY(predict(self, piece));
    }
    if (self->tells_truth) {
        GV_TRY(tell_truth(self, piece));
    }
    return self->belief == NULL || piece->pctr == NULL ? GV_OK : disturb(self, piece);
}

/*
 * Chooses rows from `position` on until half a piece is there, so that no scan is so short that
 * calling costs more than scanning.
 */
static gv_status choose(const logged_source *self, uint64_t position, size_t *count, uint64_t *next)
{
    size_t chosen = 0;
    uint64_t at = position;
    while (at < self->base.end && chosen <= GV_OPPORTUNITY_PIECE / 2) {
        const uint64_t rest = self->base.end - at;
        const size_t room = GV_OPPORTUNITY_PIECE - chosen;
        const size_t span = rest < room ? (size_t)rest : room;
        size_t found = 0;
        GV_TRY(gv_logged_select(self->filters, self->filter_count, at, span, self->rows + chosen,
                                &found));
        chosen += found;
        at += span;
    }
    *count = chosen;
    *next = at;
    return GV_OK;
}

static gv_status logged_load(gv_source *source, uint64_t position, gv_opportunities *out,
                             uint64_t *next)
{
    logged_source *self = (logged_source *)source;
    assert(position >= source->begin);
    assert(position <= source->end);

    gv_opportunities piece = {.first_id = position};
    if (self->filter_count > 0) {
        GV_TRY(choose(self, position, &piece.count, next));
        piece.ids = self->rows;
    } else {
        const uint64_t rest = source->end - position;
        piece.count = rest < GV_OPPORTUNITY_PIECE ? (size_t)rest : GV_OPPORTUNITY_PIECE;
        *next = position + piece.count;
    }
    if (piece.count > 0) {
        GV_TRY(fill(self, &piece));
        if (*next > self->seen) {
            GV_TRY(validate(self, *next, &piece));
        }
        attach_events(self, position, *next, &piece);
    }
    *out = piece;
    return GV_OK;
}

static void logged_destroy(gv_source *source)
{
    logged_source *self = (logged_source *)source;
    gv_mem_free(self->filters);
    gv_mem_free(self->events);
    gv_mem_free(self->rows);
    gv_mem_free(self->true_cells);
    gv_mem_free(self->groups);
    for (size_t i = 0; i < INTEGER_COUNT; i++) {
        gv_mem_free(self->integer_cells[i]);
    }
    for (size_t i = 0; i < REAL_COUNT; i++) {
        gv_mem_free(self->real_cells[i]);
    }
    gv_mem_free(self);
}

static gv_status bind_cold(logged_source *self, const gv_logged_config *config)
{
    self->cold_by = gv_log_find(config->log, GV_LOG_IMPRESSION, config->cold_by);
    if (self->cold_by == NULL) {
        return GV_FAIL(GV_ENOTFOUND, "%s: there is no column %s for predictions to be cold by",
                       gv_log_path(config->log), config->cold_by);
    }
    const gv_log_kind kind = gv_log_column_kind(self->cold_by);
    if (kind != GV_LOG_CODE && kind != GV_LOG_TEXT) {
        return GV_FAIL(GV_EINVAL,
                       "%s: predictions are cold by a column of names, and %s is numbers",
                       gv_log_path(config->log), config->cold_by);
    }
    return GV_OK;
}

static gv_status bind_columns(logged_source *self, const gv_logged_config *config)
{
    const gv_log *log = config->log;
    const char *rival =
        gv_log_role_name(config->rival == GV_RIVAL_BID ? GV_ROLE_BID : GV_ROLE_PRICE);
    GV_TRY(gv_logged_column(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_TIME), GV_LOG_INTEGER,
                            &self->integers[TIME]));
    GV_TRY(gv_logged_column(log, GV_LOG_IMPRESSION, rival, GV_LOG_INTEGER, &self->integers[RIVAL]));
    if (config->use_floor) {
        GV_TRY(gv_logged_column(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_FLOOR),
                                GV_LOG_INTEGER, &self->integers[FLOOR]));
    }
    if (config->predictor == NULL) {
        self->reals[PCTR] = gv_log_find(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_PCTR));
    }
    self->reals[PCVR] = gv_log_find(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_PCVR));
    return config->cold_by == NULL ? GV_OK : bind_cold(self, config);
}

static gv_status bind_filters(logged_source *self, const gv_logged_config *config)
{
    for (size_t i = 0; i < config->filter_count; i++) {
        GV_TRY(gv_logged_bind_filter(config->log, &config->filters[i], &self->filters[i]));
        self->filter_count++;
    }
    return GV_OK;
}

/* All of it at once, whether this source needs each or not: a few pieces' worth of memory. */
static gv_status allocate(logged_source *self, size_t filter_count)
{
    const size_t piece = GV_OPPORTUNITY_PIECE;
    self->filters = gv_mem_alloc(0, filter_count, sizeof *self->filters);
    self->rows = gv_mem_alloc_vector(piece, sizeof *self->rows);
    self->true_cells = gv_mem_alloc_vector(piece, sizeof *self->true_cells);
    self->groups = gv_mem_alloc_vector(piece, sizeof *self->groups);
    bool is_whole = self->filters != NULL && self->rows != NULL && self->true_cells != NULL &&
                    self->groups != NULL;
    for (size_t i = 0; i < INTEGER_COUNT; i++) {
        self->integer_cells[i] = gv_mem_alloc_vector(piece, sizeof *self->integer_cells[i]);
        is_whole = is_whole && self->integer_cells[i] != NULL;
    }
    for (size_t i = 0; i < REAL_COUNT; i++) {
        self->real_cells[i] = gv_mem_alloc_vector(piece, sizeof *self->real_cells[i]);
        is_whole = is_whole && self->real_cells[i] != NULL;
    }
    return is_whole ? GV_OK : GV_FAIL(GV_ENOMEM, "no memory to read %s", gv_log_path(self->log));
}

static gv_status build(logged_source *self, const gv_logged_config *config)
{
    const gv_log *log = config->log;
    GV_TRY(allocate(self, config->filter_count));
    GV_TRY(bind_columns(self, config));
    GV_TRY(bind_filters(self, config));
    GV_TRY(gv_log_lower_bound(log, GV_LOG_IMPRESSION, config->start_us, &self->base.begin));
    GV_TRY(gv_log_lower_bound(log, GV_LOG_IMPRESSION, config->end_us, &self->base.end));
    self->seen = self->base.begin;
    size_t event_count = 0;
    if (self->truth == NULL) {
        GV_TRY(gv_logged_events(log, self->filters, self->filter_count, self->base.begin,
                                self->base.end, &self->events, &event_count));
    } else {
        GV_TRY(gv_logged_draw_events(&self->base, self->truth, &self->events, &event_count));
    }
    self->base.event_max = event_count;
    self->tells_truth = self->tells_truth && !config->is_past;
    return GV_OK;
}

gv_status gv_logged_source_create(const gv_logged_config *config, gv_source **out)
{
    assert(config->start_us <= config->end_us);

    logged_source *self = gv_mem_alloc(sizeof *self, 0, 0);
    if (self == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to read %s", gv_log_path(config->log));
    }
    self->base.load = logged_load;
    self->base.destroy = logged_destroy;
    self->log = config->log;
    self->predictor = config->predictor;
    self->truth = config->truth;
    self->belief =
        config->belief == NULL || gv_belief_is_exact(config->belief) ? NULL : config->belief;
    self->tells_truth = self->truth != NULL || self->belief != NULL;
    const gv_status status = build(self, config);
    if (status != GV_OK) {
        logged_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return GV_OK;
}
