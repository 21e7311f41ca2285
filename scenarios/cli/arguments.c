#include "scenarios/cli/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

bool gv_cli_is_reference(const char *text, struct argp_state *state)
{
    const bool is_reference = strcmp(text, "reference") == 0;
    if (!is_reference && strcmp(text, "batch") != 0) {
        argp_error(state, "--engine: expected batch or reference, found '%s'", text);
    }
    return is_reference;
}
