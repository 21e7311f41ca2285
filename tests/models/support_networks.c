#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "test_networks.h"

static void set(const gv_model_type *type, void *config, const char *name, const char *value)
{
    const gv_param *param = gv_param_find(type->info.params, name);
    assert_non_null(param);
    assert_int_equal(gv_param_parse(param, value, 0, config), GV_OK);
}

void net_configure(const gv_model_type *type, void *config, const char *const *settings)
{
    assert_true(type->info.config_size <= NET_CONFIG_SIZE);
    memset(config, 0, NET_CONFIG_SIZE);
    gv_param_defaults(type->info.params, config);
    set(type, config, "batch", "64");
    set(type, config, "width", "4");
    set(type, config, "rate", "0.01");
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i += 2) {
        set(type, config, settings[i], settings[i + 1]);
    }
}

gv_status net_make(net_made *made, const gv_model_type *type, const gv_example_shape *shape,
                   size_t jobs, const char *const *settings)
{
    made->type = type;
    net_configure(type, made->config, settings);
    made->state = gv_mem_alloc(type->state_size, 0, 0);
    if (made->state == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a state");
    }
    const gv_model_setup setup = {
        .config = made->config, .shape = *shape, .seed = 9, .jobs = jobs, .learns = true};
    return type->init(made->state, &setup);
}

void net_unmake(net_made *made)
{
    if (made->state != NULL) {
        made->type->fini(made->state);
        gv_mem_free(made->state);
    }
}

planted_examples *net_planted_rows(uint64_t count)
{
    const gv_planted_config config = {.count = count,
                                      .users = count / 20 + 1,
                                      .seed = 4,
                                      .past_length = NET_PAST,
                                      .span_us = 2 * GV_US_PER_DAY};
    planted_examples *planted = NULL;
    assert_int_equal(planted_examples_create(&config, NET_BUCKETS, &planted), GV_OK);
    return planted;
}

uint32_t *net_order_of(size_t count)
{
    uint32_t *order = gv_mem_alloc(0, count, sizeof *order);
    assert_non_null(order);
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)(i * 7 % count);
    }
    return order;
}
