#include "sim/base/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char detail[1024];
static _Thread_local char origin[128];

const char *gv_status_text(gv_status status)
{
    static const char *const texts[] = {
#define X(name, text) [name] = (text),
        GV_STATUS_LIST(X)
#undef X
    };
    const size_t index = (size_t)status;
    return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown status";
}

const char *gv_status_detail(void)
{
    return detail;
}

const char *gv_status_origin(void)
{
    return origin;
}

/* The sentence is formed aside: an argument may be the previous detail itself. */
gv_status gv_status_fail(gv_status status, const char *file, int line, const char *format, ...)
{
    char sentence[sizeof detail];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (length >= (int)sizeof sentence) {
        memcpy(sentence + sizeof sentence - 4, "...", 4);
    }
    memcpy(detail, sentence, strlen(sentence) + 1);
    (void)snprintf(origin, sizeof origin, "%s:%d", file, line);
    return status;
}
