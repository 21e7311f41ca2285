#include "models/nn/nearest.h"

#include "models/nn/nearest_impl.h"

size_t gv_nearest_room(size_t count, size_t width)
{
    return (1 + width) * packed_stride(count);
}

void gv_nearest_pack(const float *codes, size_t count, size_t width, float *packed)
{
    assert(count >= 1);
    assert(width >= 1);
    pack_codes(codes, count, width, packed);
}

GV_VECTOR size_t gv_nearest_of(const float *packed, size_t count, size_t width, const float *key)
{
    return nearest_code(packed, count, width, key);
}
