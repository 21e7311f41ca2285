#include "scenarios/cli/blas_core.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *openblas_get_corename(void);

/* OpenBLAS's name of the kernels for what this processor can do; NULL: those of old ones. */
static const char *core_for_processor(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        return "SkylakeX";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return "Haswell";
    }
#endif
    return NULL;
}

void gv_cli_mend_blas_core(char **argv)
{
    if (getenv("OPENBLAS_CORETYPE") != NULL || strcmp(openblas_get_corename(), "Prescott") != 0) {
        return;
    }
    const char *core = core_for_processor();
    if (core != NULL && setenv("OPENBLAS_CORETYPE", core, 1) == 0) {
        (void)execv("/proc/self/exe", argv); /* where that fails the slow kernels are right, too */
    }
}
