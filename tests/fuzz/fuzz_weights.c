/* Weights files from anywhere, given to every policy that serves some. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "policies/policies.h"

enum { CONFIG_SIZE = 4096 };

static void serve(const gv_policy_type *type, const char *path)
{
    static union {
        unsigned char bytes[CONFIG_SIZE];
        double aligned;
    } config;
    const gv_param *weights = gv_param_find(type->info.params, "weights");
    void *model = NULL;
    if (weights == NULL || type->load == NULL || type->info.config_size > sizeof config) {
        return;
    }
    memset(&config, 0, sizeof config);
    gv_param_defaults(type->info.params, &config);
    if (gv_param_parse(weights, path, 0, &config) == GV_OK &&
        gv_policy_load(type, &config, &model) == GV_OK) {
        gv_policy_unload(type, model);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int file = memfd_create("weights", 0);
    if (file < 0) {
        return 0;
    }
    if (write(file, data, size) == (ssize_t)size) {
        char path[64];
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
            serve(*type, path);
        }
    }
    (void)close(file);
    return 0;
}
