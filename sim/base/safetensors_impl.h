/* What the writer and the reader of safetensors share. */
#ifndef SIM_BASE_SAFETENSORS_IMPL_H
#define SIM_BASE_SAFETENSORS_IMPL_H

#include <assert.h>

#define GV_SAFETENSORS_NOTES "__metadata__"

enum { GV_SAFETENSORS_PREFIX = 8 }; /* bytes of the header's size; data begin at a multiple of it */

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's numbers are little-endian");

#endif
