/* test_networks.h - small networks over planted rows, for the tests of what they owe. */
#ifndef TESTS_TEST_NETWORKS_H
#define TESTS_TEST_NETWORKS_H

#include "models/predict/model.h"
#include "planted_examples.h"

enum { NET_BUCKETS = 1024, NET_PAST = 5, NET_CONFIG_SIZE = 1024 };

/* A model with what it borrows. */
typedef struct made_model {
    const gv_model_type *type;
    char config[NET_CONFIG_SIZE];
    void *state;
} net_made;

/* Small sizes; settings: name, value, ..., NULL. */
void net_configure(const gv_model_type *type, void *config, const char *const *settings);

/* A state that learns; net_unmake() also after a failure. */
gv_status net_make(net_made *made, const gv_model_type *type, const gv_example_shape *shape,
                   size_t jobs, const char *const *settings);
void net_unmake(net_made *made);

/* Rows of users with a past of at most NET_PAST events. */
planted_examples *net_planted_rows(uint64_t count);

/* Each of so many rows once; freed by gv_mem_free(). */
uint32_t *net_order_of(size_t count);

#endif
