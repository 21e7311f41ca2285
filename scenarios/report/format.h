/*
 * format.h - numbers and curves as people read them.
 */
#ifndef SCENARIOS_REPORT_FORMAT_H
#define SCENARIOS_REPORT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/outcome/metric.h"

/* "32,208" or "-1,234.50": thousands apart, `decimals` behind the point; "-" for NaN. */
void gv_format_number(double value, int decimals, char *text, size_t size);

/*
 * A metric's value as a table shows it: fractions as percent, small probabilities with the
 * digits that they need. The unit belongs to the heading: gv_format_unit().
 */
void gv_format_metric(const gv_metric *metric, double value, char *text, size_t size);

/* The same with the decimals that `like` would have: differences beside their values. */
void gv_format_metric_like(const gv_metric *metric, double value, double like, char *text,
                           size_t size);
const char *gv_format_unit(const gv_metric *metric);

/*
 * `count` values, none negative, as `width` characters from the lowest step to the highest at
 * their top; fewer values than characters give one each. `text`: 3 * width + 1 bytes suffice.
 */
void gv_format_sparkline(const double *values, size_t count, size_t width, bool utf8, char *text,
                         size_t size);

#endif
