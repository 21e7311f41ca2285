/* Between version.c and the file that may ask SQLite. */
#ifndef SCENARIOS_RUN_VERSION_IMPL_H
#define SCENARIOS_RUN_VERSION_IMPL_H

const char *gv_version_sqlite(void);

#endif
