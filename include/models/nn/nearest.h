/*
 * nearest.h - the nearest of some codes to a key, as gv_op_nearest() finds it.
 *
 * |k - e_c|^2 is least where |e_c|^2 / 2 - k e_c is; a tie is the lower code's. Sums run over the
 * numbers of a key in their order, in single precision: the choice is the same on every processor.
 * Where no distance is finite it is the first code.
 */
#ifndef MODELS_NN_NEAREST_H
#define MODELS_NN_NEAREST_H

#include <stddef.h>

/* Numbers that packed codes take. */
size_t gv_nearest_room(size_t count, size_t width);

/* codes [count][width] -> packed [gv_nearest_room()]; count and width at least 1. */
void gv_nearest_pack(const float *codes, size_t count, size_t width, float *packed);

/* The nearest code to key [width], of packed ones. */
size_t gv_nearest_of(const float *packed, size_t count, size_t width, const float *key);

#endif
