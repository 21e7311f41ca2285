/*
 * Every operator once more, over double: what central differences are taken of. The sources are
 * the same ones, so a formula that is right here is right in single precision.
 */
#define GV_DOUBLE

/* NOLINTBEGIN(bugprone-suspicious-include): to be compiled twice is what they are for. */
#include "models/nn/op_attention.c"
#include "models/nn/op_combine.c"
#include "models/nn/op_conv.c"
#include "models/nn/op_cross.c"
#include "models/nn/op_dropout.c"
#include "models/nn/op_loss.c"
#include "models/nn/op_map.c"
#include "models/nn/op_matrix.c"
#include "models/nn/op_modulate.c"
#include "models/nn/op_nearest.c"
#include "models/nn/op_norm.c"
#include "models/nn/op_row.c"
#include "models/nn/op_shape.c"
/* NOLINTEND(bugprone-suspicious-include) */
