/* The scenario parser: any bytes, once as the file and once as a value behind --set. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "scenarios/config/print.h"
#include "scenarios/config/scenario.h"

static const char base[] = "log: {path: a.gvlog}\n"
                           "campaigns: [{name: a, budget: 1}]\n"
                           "policies: [{name: lin, type: linear}]\n";

/* A scenario that is accepted must be accepted again as it prints itself. */
static void check(gv_status status, gv_scenario *scenario)
{
    gv_region region = {.chunks = NULL};
    gv_scenario *again = NULL;
    const char *text = NULL;
    if (status == GV_OK) {
        if (gv_scenario_text(scenario, &region, &text) != GV_OK ||
            gv_scenario_parse("again.yaml", text, strlen(text), NULL, 0, &again) != GV_OK) {
            abort();
        }
    }
    gv_scenario_destroy(again);
    gv_scenario_destroy(scenario);
    gv_region_fini(&region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_scenario *scenario = NULL;
    char argument[4096];
    gv_status status = gv_scenario_parse("x.yaml", (const char *)data, size, NULL, 0, &scenario);
    check(status, scenario);
    if (size < sizeof argument && memchr(data, '\0', size) == NULL) {
        memcpy(argument, data, size);
        argument[size] = '\0';
        const char *const sets[] = {argument};
        status = gv_scenario_parse("x.yaml", base, sizeof base - 1, sets, 1, &scenario);
        check(status, scenario);
    }
    return 0;
}
