#include "scenarios/cli/output.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static bool is_same_file(const char *one, const char *other)
{
    struct stat first;
    struct stat second;
    if (stat(one, &first) != 0) {
        return strcmp(one, other) == 0;
    }
    return stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

gv_status gv_cli_spare(const char *output, const char *const *inputs, size_t count)
{
    for (size_t i = 0; output != NULL && i < count; i++) {
        if (inputs[i] != NULL && is_same_file(output, inputs[i])) {
            return GV_FAIL(GV_EUSAGE,
                           "%s would be written over %s, which this command needs: name another "
                           "file to write",
                           output, inputs[i]);
        }
    }
    return GV_OK;
}
