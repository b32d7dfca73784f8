/* The password, and the key of --psk: kept in one place, wiped at their source and at the end. */
#ifndef TH_CLI_SECRET_H
#define TH_CLI_SECRET_H

#include <thimble.h>

#define TH_CLI_SECRET_BYTES 4096
#define TH_CLI_PSK_BYTES 64

/* Takes a copy and overwrites the original, so that ps(1) does not show it. False: too long. */
bool th_cli_secret_keep(char *text, size_t bytes);

/* Takes the first line of a file. Errors: FILE, with a sentence that names it. */
int th_cli_secret_read(const char *path, struct th_fault *fault);

/* What was kept; data NULL: nothing. */
struct th_slice th_cli_secret(void);

/* Takes a key in hexadecimal digits and overwrites them. False: not that, or too long. */
bool th_cli_secret_keep_psk(char *digits);
struct th_slice th_cli_secret_psk(void);

void th_cli_secret_wipe(void);

#endif
