/* Foreign text on a terminal: nothing in it drives it. Control characters (C0 but newline and tab,
 * DEL, C1 in either encoding) and what is not UTF-8 become \xNN; the rest passes as it is. */
#ifndef TH_CLI_GUARD_H
#define TH_CLI_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero to begin with. */
struct th_cli_guard {
    void (*write)(const void *data, size_t bytes);
    bool one_line;      /* newlines become \x0a too */
    uint8_t pending[4]; /* a character that has not come whole */
    uint8_t used, wanted;
};

/* Any split of the text gives the same. */
void th_cli_guard_pass(struct th_cli_guard *guard, const void *data, size_t bytes);

/* The text ends here: half a character is shown as what it is. */
void th_cli_guard_end(struct th_cli_guard *guard);

#endif
