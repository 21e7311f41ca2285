/* The tile once more, of twice the width. */
#define GV_WIDE
#include "models/nn/tile.c" /* NOLINT(bugprone-suspicious-include): the same code for other registers */
