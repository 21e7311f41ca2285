/* Between version.c and the file that may ask SQLite. */
#ifndef SCENARIOS_CLI_VERSION_IMPL_H
#define SCENARIOS_CLI_VERSION_IMPL_H

const char *gv_version_sqlite(void);

#endif
