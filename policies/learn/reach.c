#include "policies/learn/reach.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/number.h"

/* Money is whole nanos of a unit, below 2^63 of them: beside it every number is none. */
#define MONEY_LEAST 1e-12
#define MONEY_MOST  1e12

/* What a budget that is scaled and cut to whole nanos may be off. */
#define ROUNDING 1e-9

enum { TEXT_SIZE_LEAST = 64 };

void gv_reach_add(gv_reach_span *span, double value)
{
    if (!(value >= MONEY_LEAST && value <= MONEY_MOST)) {
        return;
    }
    span->least = span->most > 0 ? fmin(span->least, value) : value;
    span->most = fmax(span->most, value);
}

bool gv_reach_holds(gv_reach_span span, double value)
{
    if (!(span.most > 0) || !(value > 0)) {
        return true;
    }
    return value >= span.least * (1 - ROUNDING) && value <= span.most * (1 + ROUNDING);
}

void gv_reach_print(gv_reach_span span, char *text, size_t size)
{
    assert(size >= TEXT_SIZE_LEAST);
    (void)snprintf(text, size, "%.15g %.15g", span.least, span.most);
}

gv_status gv_reach_read(gv_reach_span *span, const char *name, const char *key, const char *text)
{
    const size_t length = strcspn(text, " ");
    const char *most = text + length + (text[length] == ' ' ? 1 : 0);
    gv_reach_span read = {.least = 0};
    if (gv_number_real(text, length, &read.least) != NULL ||
        gv_number_real(most, strlen(most), &read.most) != NULL || !(read.least > 0) ||
        !(read.least <= read.most)) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: \"%s\" is \"%.80s\", expected the least and the largest of what it was "
                       "trained on, two numbers above 0: train it again",
                       name, key, text);
    }
    *span = read;
    return GV_OK;
}
