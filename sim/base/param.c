/* Parameter tables: looking rows up by name, and guessing which name was meant. */
#include "sim/base/param.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 63 };

const gv_param *gv_param_find(const gv_param *params, const char *name)
{
    for (const gv_param *row = params; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Two letters that a person takes for one another: case, and '-' for '_'. */
static bool letters_agree(char a, char b)
{
    const int x = a == '-' ? '_' : tolower((unsigned char)a);
    const int y = b == '-' ? '_' : tolower((unsigned char)b);
    return x == y;
}

/*
 * Edit distance in which swapping two neighbours counts one (optimal string alignment;
 * Damerau 1964), over three rows of the table. Both lengths at most NAME_MAX_LENGTH.
 */
static size_t edit_distance(const char *a, const char *b)
{
    const size_t a_length = strlen(a);
    const size_t b_length = strlen(b);
    size_t rows[3][NAME_MAX_LENGTH + 2] = {{0}};
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        const size_t *before = rows[(i + 1) % 3];
        const size_t *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            const size_t change = letters_agree(a[i - 1], b[j - 1]) ? 0 : 1;
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + change);
            if (i > 1 && j > 1 && letters_agree(a[i - 1], b[j - 2]) &&
                letters_agree(a[i - 2], b[j - 1]) && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
    }
    return rows[a_length % 3][b_length];
}

/* Near: at most a third of the letters are wrong, one is allowed; or one begins the other. */
const char *gv_param_nearest(const char *const *names, size_t count, const char *name)
{
    const size_t length = strlen(name);
    const char *nearest = NULL;
    size_t nearest_distance = length / 3 + 2;
    if (length == 0 || length > NAME_MAX_LENGTH) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > NAME_MAX_LENGTH) {
            continue;
        }
        const bool begins = length >= 3 && strncmp(names[i], name, length) == 0;
        const size_t distance = begins ? 1 : edit_distance(names[i], name);
        if (distance < nearest_distance) {
            nearest = names[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
