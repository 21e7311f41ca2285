#include "scenarios/run/file_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { START_SIZE = 16, LOG_MAGIC_SIZE = 8, LENGTH_SIZE = 8 };

gv_file_kind gv_file_kind_of(const char *path)
{
    static const char log_magic[LOG_MAGIC_SIZE] = {'\x89', 'G', 'V', 'L', 'O', 'G', '\r', '\n'};
    static const char database_magic[START_SIZE] = "SQLite format 3";
    char start[START_SIZE] = "";
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) {
        return GV_FILE_OTHER;
    }
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return GV_FILE_OTHER;
    }
    const size_t size = fread(start, 1, sizeof start, file);
    (void)fclose(file);
    if (size == sizeof start && memcmp(start, database_magic, sizeof start) == 0) {
        return GV_FILE_DATABASE;
    }
    if (size > LENGTH_SIZE && start[LENGTH_SIZE] == '{') {
        return GV_FILE_TENSORS;
    }
    const bool is_log = size == sizeof start && memcmp(start, log_magic, sizeof log_magic) == 0;
    return is_log ? GV_FILE_AUCTIONS : GV_FILE_OTHER;
}
