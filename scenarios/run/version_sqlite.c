/* The version of SQLite at run time: only files named *_sqlite.c may include its header. */
#include <sqlite3.h>

#include "scenarios/run/version_impl.h"

const char *gv_version_sqlite(void)
{
    return sqlite3_libversion();
}
