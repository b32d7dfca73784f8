#include "cli/nearest.h"

#include <limits.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* One row of the table of Wagner and Fischer is enough: row[j] is the distance from the part of
 * `a` read so far to the first j bytes of `b`. */
static void next_row(unsigned row[], char letter, const char *b, size_t b_bytes)
{
    unsigned diagonal = row[0]++;
    for (size_t j = 1; j <= b_bytes; j++) {
        unsigned above = row[j];
        row[j] = least(above + 1, row[j - 1] + 1, diagonal + (letter != b[j - 1]));
        diagonal = above;
    }
}

/* Insertions, deletions and replacements between two words. */
static unsigned distance_of(const char *a, const char *b)
{
    size_t b_bytes = strlen(b);
    if (strlen(a) > TH_CLI_NEAREST_BYTES || b_bytes > TH_CLI_NEAREST_BYTES)
        return UINT_MAX;
    unsigned row[TH_CLI_NEAREST_BYTES + 1];
    for (size_t j = 0; j <= b_bytes; j++)
        row[j] = (unsigned)j;
    for (; *a; a++)
        next_row(row, *a, b, b_bytes);
    return row[b_bytes];
}

/* Two errors in a word that begins like it, or one. */
static unsigned tolerated(const char *typed, const char *name)
{
    size_t bytes = strlen(typed);
    if (bytes < 2)
        return 0;
    return bytes > 2 && *typed == *name ? 2 : 1;
}

const char *th_cli_nearest(const char *typed, const char *(*name_of)(size_t i), size_t count)
{
    const char *nearest = NULL;
    unsigned least = UINT_MAX;
    for (size_t i = 0; i < count; i++) {
        const char *name = name_of(i);
        unsigned distance = name ? distance_of(typed, name) : UINT_MAX;
        if (distance < least && distance <= tolerated(typed, name)) {
            least = distance;
            nearest = name;
        }
    }
    return nearest;
}
