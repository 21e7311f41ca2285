/*
 * version.h - which Gavel this is, and on what it stands.
 */
#ifndef SCENARIOS_RUN_VERSION_H
#define SCENARIOS_RUN_VERSION_H

#include <stddef.h>

/* "0.2.0", and the commit that it was built from or "unknown". */
const char *gv_version(void);
const char *gv_version_commit(void);

/* A component under Gavel: name and version. */
typedef struct gv_version_fact {
    const char *name; /* "compiler", "sqlite", "openblas", "openblas_core", "cpu", ... */
    char value[512];
} gv_version_fact;

enum { GV_VERSION_FACTS_MAX = 16 };

/* Compiler, CPU, OpenBLAS core and configuration, libraries. Returns how many. */
size_t gv_version_facts(gv_version_fact facts[GV_VERSION_FACTS_MAX]);

#endif
