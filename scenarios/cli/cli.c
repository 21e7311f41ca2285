#include "scenarios/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

int gv_cli_fail(gv_status status)
{
    (void)fprintf(stderr, "gavel: %s\n", gv_status_detail());
    if (status == GV_EUSAGE) {
        return GV_EXIT_USAGE;
    }
    return status == GV_ESTOPPED ? GV_EXIT_INTERRUPTED : GV_EXIT_FAILED;
}

void gv_cli_talk(bool quiet, const char *format, ...)
{
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
}
