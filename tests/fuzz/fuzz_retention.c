/* The parser of scenarios of retention: any bytes, once as the file and once behind --set. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "scenarios/config/retention.h"

static const char base[] = "policies: [{name: clicks, aim: clicks}]\n";

/* One that is accepted has all its parts, and a text. */
static void check(gv_status status, gv_retention_plan *plan)
{
    const char *text = NULL;
    if (status == GV_OK) {
        if (plan->policy_count == 0 || plan->law == NULL || plan->campaign == NULL ||
            gv_retention_text(plan, &text) != GV_OK) {
            abort();
        }
        for (size_t i = 0; i < plan->policy_count; i++) {
            const gv_retention_policy *policy = plan->policies[i];
            if (policy->name == NULL ||
                (policy->aim == GV_AIM_RETENTION) != (policy->model != NULL)) {
                abort();
            }
        }
    }
    gv_retention_plan_destroy(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_retention_plan *plan = NULL;
    char argument[4096];
    gv_status status = gv_retention_parse("x.yaml", (const char *)data, size, NULL, 0, &plan);
    check(status, plan);
    if (size < sizeof argument && memchr(data, '\0', size) == NULL) {
        memcpy(argument, data, size);
        argument[size] = '\0';
        const char *const sets[] = {argument};
        status = gv_retention_parse("x.yaml", base, sizeof base - 1, sets, 1, &plan);
        check(status, plan);
    }
    return 0;
}
