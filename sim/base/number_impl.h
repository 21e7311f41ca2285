/* number_impl.h - the powers of five that number.c multiplies by. */
#ifndef SIM_BASE_NUMBER_IMPL_H
#define SIM_BASE_NUMBER_IMPL_H

#include <stdint.h>

/* The powers that real data has; numbers beyond them go to the library. */
enum { GV_POWER_FIRST = -64, GV_POWER_LAST = 48 };

extern const uint64_t gv_powers_of_five[GV_POWER_LAST - GV_POWER_FIRST + 1][2];

#endif
