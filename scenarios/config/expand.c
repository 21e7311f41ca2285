#include "scenarios/config/expand.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, NAME_SIZE = 128 };

typedef struct expansion {
    char text[PATH_SIZE];
    size_t size;
    bool from_environment; /* its beginning came from a variable */
} expansion;

static gv_status append(expansion *out, const char *text, size_t size)
{
    if (size >= sizeof out->text - out->size) {
        return GV_FAIL(GV_EUSAGE, "a path longer than %d bytes", PATH_SIZE - 1);
    }
    memcpy(out->text + out->size, text, size);
    out->size += size;
    out->text[out->size] = '\0';
    return GV_OK;
}

/* What stands between "${" and "}": NAME or NAME:-default. */
static gv_status replace(expansion *out, const char *inner, size_t size)
{
    static const char name_letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    char name[NAME_SIZE];
    const size_t name_size = strspn(inner, name_letters);
    const bool has_default = name_size + 2 <= size && memcmp(inner + name_size, ":-", 2) == 0;
    if (name_size == 0 || name_size >= sizeof name || (!has_default && name_size != size)) {
        return GV_FAIL(GV_EUSAGE, "${%.*s}: expected ${NAME} or ${NAME:-default}", (int)size,
                       inner);
    }
    memcpy(name, inner, name_size);
    name[name_size] = '\0';
    const char *value = getenv(name);
    if (value != NULL && value[0] != '\0') {
        out->from_environment = out->from_environment || out->size == 0;
        return append(out, value, strlen(value));
    }
    if (!has_default) {
        return GV_FAIL(GV_EUSAGE, "${%s} is not set; set it, or write ${%s:-default}", name, name);
    }
    return append(out, inner + name_size + 2, size - name_size - 2);
}

static gv_status expand(expansion *out, const char *text)
{
    const char *rest = text;
    for (const char *start = strstr(rest, "${"); start != NULL; start = strstr(rest, "${")) {
        const char *end = strchr(start, '}');
        if (end == NULL) {
            return GV_FAIL(GV_EUSAGE, "%s: the '}' of '${' is missing", text);
        }
        GV_TRY(append(out, rest, (size_t)(start - rest)));
        GV_TRY(replace(out, start + 2, (size_t)(end - start) - 2));
        rest = end + 1;
    }
    return append(out, rest, strlen(rest));
}

gv_status gv_expand_path(gv_region *region, const char *scenario_path, const char *text,
                         const char **out)
{
    expansion expanded = {.size = 0};
    GV_TRY(expand(&expanded, text));
    if (expanded.size == 0) {
        return GV_FAIL(GV_EUSAGE, "an empty path");
    }
    if (strstr(expanded.text, "${") != NULL) { /* what is printed must read back as it is */
        return GV_FAIL(GV_EUSAGE, "'${' inside of what replaces another: %s", expanded.text);
    }
    const char *slash = strrchr(scenario_path, '/');
    const bool is_relative = expanded.text[0] != '/' && !expanded.from_environment;
    const int directory_size = is_relative && slash != NULL ? (int)(slash - scenario_path) + 1 : 0;
    *out = gv_region_print(region, "%.*s%s", directory_size, scenario_path, expanded.text);
    return *out == NULL ? GV_FAIL(GV_ENOMEM, "no memory for a path") : GV_OK;
}
