#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "models/nn/panel_impl.h"
#include "models/nn/tile_impl.h"
#include "sim/base/mem.h"

/* A panel's numbers of DEPTH inputs stay in the first cache, those of BLOCK rows in the second. */
enum { DEPTH = 256, BLOCK = 32 * ROWS };

static size_t panel_count(const gv_panels *panels)
{
    return (panels->outputs + PANEL - 1) / PANEL;
}

gv_status gv_panels_init(gv_panels *panels, size_t inputs, size_t outputs)
{
    *panels = (gv_panels){.inputs = inputs, .outputs = outputs};
    const size_t count = panel_count(panels);
    panels->weights = gv_mem_alloc_vector(count * inputs * PANEL, sizeof(float));
    panels->bias = gv_mem_alloc_vector(count * PANEL, sizeof(float));
    if (panels->weights == NULL || panels->bias == NULL) {
        gv_panels_fini(panels);
        return GV_FAIL(GV_ENOMEM, "no memory for a layer of %zu outputs", outputs);
    }
    memset(panels->bias, 0, count * PANEL * sizeof(float));
    return GV_OK;
}

size_t gv_panels_room(size_t inputs, size_t outputs)
{
    return panel_count(&(gv_panels){.outputs = outputs}) * (inputs + 1) * PANEL;
}

gv_panels gv_panels_place(size_t inputs, size_t outputs, float *room)
{
    gv_panels panels = {.inputs = inputs, .outputs = outputs, .bias = room};
    const size_t padded = panel_count(&panels) * PANEL;
    panels.weights = room + padded;
    memset(panels.bias, 0, padded * sizeof(float));
    return panels;
}

void gv_panels_fini(gv_panels *panels)
{
    gv_mem_free(panels->weights);
    gv_mem_free(panels->bias);
    *panels = (gv_panels){.weights = NULL};
}

void gv_panels_pack(gv_panels *panels, const gv_panel_part *part)
{
    assert(part->first + part->count <= panels->inputs);
    for (size_t o = 0; o < panel_count(panels) * PANEL; o++) {
        float *to = panels->weights + (o / PANEL * panels->inputs + part->first) * PANEL;
        const float *from = part->w + o * part->w_output;
        for (size_t i = 0; i < part->count; i++) {
            to[i * PANEL + o % PANEL] = o < panels->outputs ? from[i * part->w_input] : 0.0F;
        }
    }
}

/* Where a tile stands: rows of a run, and inputs from `first` on. */
typedef struct place {
    const float *x;
    float *y;
    size_t rows, first, depth;
} place;

/* Rows begin .. end - 1 over inputs first .. first + depth - 1. */
typedef struct span {
    size_t begin, end, first, depth;
} span;

/* The panel's sums by way of a copy, for the last one may have fewer outputs than PANEL. */
static void sum_last(const gv_tile *whole, size_t rows, size_t width, bool begins)
{
    float sums[ROWS][PANEL] = {{0}};
    gv_tile t = *whole;
    t.to = sums[0];
    t.to_step = PANEL;
    if (!begins) {
        for (size_t r = 0; r < rows; r++) {
            memcpy(sums[r], whole->to + r * whole->to_step, width * sizeof **sums);
        }
        t.from = sums[0];
        t.from_step = PANEL;
    }
    gv_tile_slim(&t, rows);
    for (size_t r = 0; r < rows; r++) {
        memcpy(whole->to + r * whole->to_step, sums[r], width * sizeof **sums);
    }
}

static bool begins_with_bias(const gv_panel_rows *rows, const place *at)
{
    return at->first == 0 && !rows->adds;
}

static gv_tile tile_at(const gv_panels *panels, const gv_panel_rows *rows, const place *at,
                       size_t panel)
{
    float *y = at->y + panel * PANEL;
    const bool begins = begins_with_bias(rows, at);
    return (gv_tile){.w = panels->weights + (panel * panels->inputs + at->first) * PANEL,
                     .w_step = PANEL,
                     .w_next = PANEL / 2,
                     .x = at->x + at->first,
                     .x_step = rows->x_step,
                     .from = begins ? panels->bias + panel * PANEL : y,
                     .from_step = begins ? 0 : rows->y_step,
                     .to = y,
                     .to_step = rows->y_step,
                     .depth = at->depth};
}

/* One tile of panel `panel`, and of the next where there are two. */
static void sum_panel(const gv_panels *panels, const gv_panel_rows *rows, const place *at,
                      size_t panel, bool is_pair)
{
    gv_tile t = tile_at(panels, rows, at, panel);
    const size_t left = panels->outputs - panel * PANEL;
    if (is_pair) {
        t.w_next = panels->inputs * PANEL;
        gv_tile_wide(&t, at->rows);
    } else if (left >= PANEL) {
        gv_tile_slim(&t, at->rows);
    } else {
        sum_last(&t, at->rows, left, begins_with_bias(rows, at));
    }
}

/* All tiles of rows begin .. end - 1 through one panel, or two. */
static void sweep(const gv_panels *panels, const gv_panel_rows *rows, const span *of, size_t panel,
                  bool is_pair)
{
    size_t run = of->begin / rows->run;
    size_t in_run = of->begin % rows->run;
    for (size_t row = of->begin; row < of->end;) {
        const size_t left = rows->run - in_run < of->end - row ? rows->run - in_run : of->end - row;
        const place at = {.x = rows->x + run * rows->x_run + in_run * rows->x_step,
                          .y = rows->y + run * rows->y_run + in_run * rows->y_step,
                          .rows = left < ROWS ? left : ROWS,
                          .first = of->first,
                          .depth = of->depth};
        sum_panel(panels, rows, &at, panel, is_pair);
        row += at.rows;
        in_run += at.rows;
        if (in_run == rows->run) {
            in_run = 0;
            run++;
        }
    }
}

/* A block through every panel. */
static void apply_span(const gv_panels *panels, const gv_panel_rows *rows, const span *of,
                       bool is_wide)
{
    size_t step = 1;
    for (size_t panel = 0; panel * PANEL < panels->outputs; panel += step) {
        const bool is_pair = is_wide && (panel + 2) * PANEL <= panels->outputs;
        step = is_pair ? 2 : 1;
        sweep(panels, rows, of, panel, is_pair);
    }
}

void gv_panels_apply_by(const gv_panels *panels, const gv_panel_rows *rows, bool is_wide)
{
    span of;
    for (of.begin = 0; of.begin < rows->rows; of.begin = of.end) {
        of.end = rows->rows - of.begin < BLOCK ? rows->rows : of.begin + BLOCK;
        for (of.first = 0; of.first < panels->inputs; of.first += of.depth) {
            of.depth = panels->inputs - of.first < DEPTH ? panels->inputs - of.first : DEPTH;
            apply_span(panels, rows, &of, is_wide);
        }
    }
}

void gv_panels_apply(const gv_panels *panels, const gv_panel_rows *rows)
{
#if defined(__x86_64__)
    const bool is_wide = __builtin_cpu_supports("avx512vl") != 0;
#else
    const bool is_wide = false;
#endif
    gv_panels_apply_by(panels, rows, is_wide);
}
