#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/renumber_impl.h"

enum { GROUP = 256 };

static gv_status say_no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory to number the texts of a coded column");
}

static gv_status unite(gv_renumber *renumber, size_t worker)
{
    const gv_dictionary *own = renumber->dictionaries[worker];
    uint32_t *common_of = gv_mem_alloc_vector(own->count, sizeof *common_of);
    renumber->common_of[worker] = common_of;
    if (common_of == NULL) {
        return say_no_memory();
    }
    for (uint32_t first = 0; first < own->count; first += GROUP) {
        const uint32_t count = own->count - first < GROUP ? own->count - first : GROUP;
        gv_span texts[GROUP];
        for (uint32_t i = 0; i < count; i++) {
            texts[i] = gv_dictionary_text(own, first + i);
        }
        GV_TRY(
            gv_dictionary_encode(renumber->dictionaries[0], texts, NULL, count, common_of + first));
    }
    return GV_OK;
}

static uint32_t *make_empty_map(uint32_t count)
{
    uint32_t *map = gv_mem_alloc_vector(count, sizeof *map);
    if (map != NULL) {
        memset(map, 0xFF, count * sizeof *map);
    }
    return map;
}

static gv_status make_maps(gv_renumber *renumber)
{
    for (size_t i = 0; i < renumber->worker_count; i++) {
        renumber->final_of[i] = make_empty_map(renumber->dictionaries[i]->count);
        if (renumber->final_of[i] == NULL) {
            return say_no_memory();
        }
    }
    const uint32_t count = renumber->dictionaries[0]->count;
    renumber->final_of_common = make_empty_map(count);
    renumber->common_of_final = make_empty_map(count);
    if (renumber->final_of_common == NULL || renumber->common_of_final == NULL) {
        return say_no_memory();
    }
    return GV_OK;
}

gv_status gv_renumber_init(gv_renumber *renumber, gv_dictionary **dictionaries, size_t worker_count)
{
    gv_status status = GV_OK;
    *renumber = (gv_renumber){.dictionaries = dictionaries, .worker_count = worker_count};
    renumber->common_of = gv_mem_alloc(0, worker_count, sizeof *renumber->common_of);
    renumber->final_of = gv_mem_alloc(0, worker_count, sizeof *renumber->final_of);
    if (renumber->common_of == NULL || renumber->final_of == NULL) {
        status = say_no_memory();
        goto fail;
    }
    for (size_t i = 1; i < worker_count; i++) {
        GV_TRY_GOTO(status, unite(renumber, i), fail);
    }
    GV_TRY_GOTO(status, make_maps(renumber), fail);
    return GV_OK;
fail:
    gv_renumber_fini(renumber);
    return status;
}

void gv_renumber_fini(gv_renumber *renumber)
{
    for (size_t i = 0; i < renumber->worker_count; i++) {
        if (renumber->common_of != NULL) {
            gv_mem_free(renumber->common_of[i]);
        }
        if (renumber->final_of != NULL) {
            gv_mem_free(renumber->final_of[i]);
        }
    }
    gv_mem_free(renumber->common_of);
    gv_mem_free(renumber->final_of);
    gv_mem_free(renumber->final_of_common);
    gv_mem_free(renumber->common_of_final);
    *renumber = (gv_renumber){0};
}

uint32_t gv_renumber_assign(gv_renumber *renumber, uint32_t worker, uint32_t code)
{
    assert(code < renumber->dictionaries[worker]->count);
    const uint32_t common = worker == 0 ? code : renumber->common_of[worker][code];
    if (renumber->final_of_common[common] == GV_LOG_NO_CODE) {
        renumber->common_of_final[renumber->final_count] = common;
        renumber->final_of_common[common] = renumber->final_count++;
    }
    renumber->final_of[worker][code] = renumber->final_of_common[common];
    return renumber->final_of_common[common];
}

void gv_renumber_texts(const gv_renumber *renumber, gv_span *texts)
{
    for (uint32_t code = 0; code < renumber->final_count; code++) {
        texts[code] =
            gv_dictionary_text(renumber->dictionaries[0], renumber->common_of_final[code]);
    }
}

uint64_t gv_renumber_heap_size(const gv_renumber *renumber)
{
    const gv_dictionary *common = renumber->dictionaries[0];
    if (renumber->final_count == common->count) {
        return common->heap_size;
    }
    uint64_t size = 0;
    for (uint32_t code = 0; code < renumber->final_count; code++) {
        size += gv_dictionary_text(common, renumber->common_of_final[code]).size;
    }
    return size;
}
