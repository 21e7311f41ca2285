/* The tile once more, of twice the width. */
#define GV_WIDE

/* NOLINTNEXTLINE(bugprone-suspicious-include): to be compiled twice is what it is for. */
#include "models/nn/tile.c"
