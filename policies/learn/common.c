#include <inttypes.h>
#include <string.h>

#include "policies/learn/common_impl.h"
#include "policies/learn/objective_impl.h"

gv_status gv_learner_check_common(const gv_type_info *info, const gv_learner_common *common)
{
    if (common->batch % common->shards != 0) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: a batch of %" PRId64 " cannot be cut into %" PRId64
                       " equal shards: make batch a multiple of shards",
                       info->name, common->batch, common->shards);
    }
    return GV_OK;
}

void gv_shard_put(const gv_shard *shard, gv_node node, const float *rows, size_t width)
{
    const size_t count = shard->size * width;
    memcpy(gv_tape_f32(shard->tape, node), rows + shard->number * count, count * sizeof *rows);
}
