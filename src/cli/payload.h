/* A whole file, or standard input, in memory of the caller. */
#ifndef TH_CLI_PAYLOAD_H
#define TH_CLI_PAYLOAD_H

#include <thimble.h>

/* `path` NULL: standard input, read to its end. Errors: FILE (cannot be read), TOO_LARGE (does
 * not fit `buffer`); the sentence names the file and both sizes. */
int th_cli_payload_load(const char *path, uint8_t *buffer, size_t buffer_bytes,
                        struct th_slice *payload, struct th_fault *fault);

#endif
