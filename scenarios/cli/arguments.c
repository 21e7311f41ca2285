#include "scenarios/cli/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64 };

void gv_cli_add_word(gv_cli_words *words, const char *option, const char *word,
                     struct argp_state *state)
{
    if (words->count == GV_CLI_WORDS_MAX) {
        argp_error(state, "more than %d %s", GV_CLI_WORDS_MAX, option);
        return;
    }
    words->items[words->count++] = word;
}

void gv_cli_add_list(gv_cli_words *words, const char *option, char *list, struct argp_state *state)
{
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        gv_cli_add_word(words, option, name, state);
    }
}

uint64_t gv_cli_count(const char *option, const char *text, uint64_t most, struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < 1 ||
        number > most) {
        argp_error(state, "%s: expected a whole number from 1 to %" PRIu64 ", found '%s'", option,
                   most, text);
        return 1;
    }
    return number;
}

double gv_cli_share(const char *option, const char *text, struct argp_state *state)
{
    char *end = NULL;
    const double share = strtod(text, &end);
    if (text[0] == '\0' || *end != '\0' || !(share >= 0 && share < 1)) {
        argp_error(state, "%s: expected a share from 0 to below 1, found '%s'", option, text);
        return 0;
    }
    return share;
}

gv_status gv_cli_set_value(const gv_type_info *type, const char *kind, const char *text,
                           void *config)
{
    char name[NAME_SIZE] = "";
    const char *equals = strchr(text, '=');
    const size_t length = equals == NULL ? 0 : (size_t)(equals - text);
    if (length == 0 || length >= sizeof name) {
        return GV_FAIL(GV_EUSAGE, "--set %s: expected KEY=VALUE", text);
    }
    memcpy(name, text, length);
    const gv_param *row = gv_param_find(type->params, name);
    if (row == NULL) {
        return GV_FAIL(GV_EUSAGE, "--set %s: %s has no '%s'; `gavel list %s %s` shows what it has",
                       text, type->name, name, kind, type->name);
    }
    if (gv_param_parse(row, equals + 1, 0, config) != GV_OK) {
        return GV_FAIL(GV_EUSAGE, "--set %s: %.900s", text, gv_status_detail());
    }
    return GV_OK;
}

bool gv_cli_is_reference(const char *text, struct argp_state *state)
{
    const bool is_reference = strcmp(text, "reference") == 0;
    if (!is_reference && strcmp(text, "batch") != 0) {
        argp_error(state, "--engine: expected batch or reference, found '%s'", text);
    }
    return is_reference;
}

char *gv_cli_help_text(int key, const char *text, void (*write)(FILE *stream))
{
    /* argp takes its own text back as what it was given, not const. */
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): -Wcast-qual leaves no other way. */
    char *same = (char *)(uintptr_t)text;
    char *written = NULL;
    size_t size = 0;
    FILE *stream = key == ARGP_KEY_HELP_POST_DOC ? open_memstream(&written, &size) : NULL;
    if (stream == NULL) {
        return same;
    }
    write(stream);
    (void)fclose(stream);
    return written;
}

void gv_cli_join_arguments(int argc, char **argv, char *line, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < argc && used < size; i++) {
        const bool has_blank = strpbrk(argv[i], " \t'") != NULL && i > 0;
        const int length = snprintf(line + used, size - used, has_blank ? "%s\"%s\"" : "%s%s",
                                    i == 0 ? "" : " ", argv[i]);
        used += (size_t)length;
    }
}
