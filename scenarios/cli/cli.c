/* What every sub-command says and how it ends. */
#include "scenarios/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int gv_cli_fail(gv_status status)
{
    gv_cli_progress_end();
    const char *detail = gv_status_detail();
    const char *sentence = detail[0] == '\0' ? gv_status_text(status) : detail;
    (void)fprintf(stderr, "gavel: %s\n", sentence);
    if (status == GV_EUSAGE) {
        return GV_EXIT_USAGE;
    }
    return status == GV_ESTOPPED ? GV_EXIT_INTERRUPTED : GV_EXIT_FAILED;
}

int gv_cli_fail_with(const gv_problems *problems, gv_status status)
{
    if (status == GV_EUSAGE && problems != NULL && problems->count > 0) {
        gv_cli_progress_end();
        gv_problems_print(problems, stderr, gv_cli_colours(stderr));
        return GV_EXIT_USAGE;
    }
    const int code = gv_cli_fail(status);
    return problems == NULL ? GV_EXIT_USAGE : code;
}

void gv_cli_talk(bool quiet, const char *format, ...)
{
    if (quiet) {
        return;
    }
    gv_cli_progress_end();
    va_list args;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
}

void gv_cli_tell_resumed(bool quiet, const char *db_path, int64_t run_id, bool is_resumed)
{
    if (is_resumed) {
        gv_cli_talk(quiet, "run %" PRId64 " was resumed\n", run_id);
    } else {
        gv_cli_talk(quiet,
                    "%s holds no unfinished run of this very scenario: run %" PRId64
                    " is a new one\n",
                    db_path, run_id);
    }
}

bool gv_cli_colours(FILE *stream)
{
    const char *forbidden = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (forbidden != NULL && forbidden[0] != '\0') {
        return false;
    }
    if (terminal == NULL || strcmp(terminal, "dumb") == 0) {
        return false;
    }
    return isatty(fileno(stream)) == 1;
}

int gv_cli_finish(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return code;
    }
    (void)fprintf(stderr, "gavel: writing to stdout failed: %s\n", strerror(errno));
    return code == GV_EXIT_DONE ? GV_EXIT_FAILED : code;
}
