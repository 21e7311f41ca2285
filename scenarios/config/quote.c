#include "scenarios/config/quote.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Letters that mean nothing to YAML wherever they stand; a blank or colon only within. */
static bool is_plain(const char *text)
{
    static const char safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+:";
    const size_t size = strlen(text);
    if (size == 0 || text[0] == ':' || text[size - 1] == ':') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const bool blank_within = text[i] == ' ' && i > 0 && text[i - 1] != ':' && i + 1 < size;
        const bool dash_within = text[i] == '-' && i > 0;
        if (strchr(safe, text[i]) == NULL && !blank_within && !dash_within) {
            return false;
        }
    }
    return true;
}

/* In double quotes: every control byte, quote and backslash escaped. */
const char *gv_quote(gv_region *region, const char *text)
{
    if (is_plain(text)) {
        return gv_region_text(region, text, strlen(text));
    }
    char *quoted = gv_region_alloc(region, 4 * strlen(text) + 3, 1);
    if (quoted == NULL) {
        return NULL;
    }
    char *out = quoted;
    *out++ = '"';
    for (const char *in = text; *in != '\0'; in++) {
        const unsigned char byte = (unsigned char)*in;
        if (byte < 0x20 || byte == 0x7F) {
            out += sprintf(out, "\\x%02X", byte);
        } else {
            if (byte == '"' || byte == '\\') {
                *out++ = '\\';
            }
            *out++ = *in;
        }
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}
