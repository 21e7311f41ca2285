/*
 * What a result depends on besides its inputs: the program, its compiler, the processor and the
 * libraries that are loaded now (not those it was built with).
 */
#include "scenarios/run/version.h"

#include <archive.h>
#include <gsl/gsl_version.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include <yaml.h>

#include "build_info.h"
#include "scenarios/run/version_impl.h"

/* cblas.h clashes with GSL's, so these two are declared here, as OpenBLAS documents them. */
char *openblas_get_corename(void);
char *openblas_get_config(void);

const char *gv_version(void)
{
    return GV_BUILD_VERSION;
}

const char *gv_version_commit(void)
{
    return GV_BUILD_COMMIT;
}

/* The "model name" of the first processor, or "unknown". */
static void find_cpu(char *text, size_t size)
{
    char line[256];
    (void)snprintf(text, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            (void)snprintf(text, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    (void)fclose(file);
}

static void put(gv_version_fact *facts, size_t *count, const char *name, const char *value)
{
    facts[*count].name = name;
    (void)snprintf(facts[*count].value, sizeof facts[*count].value, "%s", value);
    ++*count;
}

static void put_number(gv_version_fact *facts, size_t *count, const char *name, unsigned number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%u.%u.%u", number / 10000, number / 100 % 100, number % 100);
    put(facts, count, name, text);
}

size_t gv_version_facts(gv_version_fact facts[GV_VERSION_FACTS_MAX])
{
    size_t count = 0;
    char cpu[160];
    find_cpu(cpu, sizeof cpu);
    put(facts, &count, "compiler", GV_BUILD_COMPILER);
    put(facts, &count, "flags", GV_BUILD_FLAGS);
    put(facts, &count, "cpu", cpu);
    put(facts, &count, "openblas_core", openblas_get_corename());
    put(facts, &count, "openblas_config", openblas_get_config());
    put(facts, &count, "gsl", gsl_version);
    put(facts, &count, "sqlite", gv_version_sqlite());
    put(facts, &count, "libarchive", archive_version_string());
    put(facts, &count, "libyaml", yaml_get_version_string());
    put(facts, &count, "jansson", jansson_version_str());
    put_number(facts, &count, "xxhash", XXH_versionNumber());
    return count;
}
