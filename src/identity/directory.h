/* The names in a directory, without opendir(), which takes memory from malloc. */
#ifndef TH_IDENTITY_DIRECTORY_H
#define TH_IDENTITY_DIRECTORY_H

#include <stdbool.h>

/* Calls `take` with "PATH/NAME" of each entry that does not begin with a dot, until one call
 * returns an error, which is returned. Else 0, or TH_E_FILE and errno. The text is gone after the
 * call; what is longer than 512 bytes is left out. */
int th_directory_each(const char *path, int (*take)(void *arg, const char *name), void *arg);

/* It ends in .pem, .crt, .cer, or .0 to .3. */
bool th_directory_names_certificate(const char *path);

#endif
