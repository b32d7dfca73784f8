/* Where CA certificates come from, besides --cafile. */
#ifndef TH_CLI_ROOTS_H
#define TH_CLI_ROOTS_H

#include "cli/settings.h"

/* Files and directories, ended by NULL; NULL if there is none: --capath, and for
 * --tls-use-os-certs what SSL_CERT_FILE and SSL_CERT_DIR name, or else the usual place. */
const char *const *th_cli_root_paths(const struct th_cli_settings *s);

/* --cafile; or, if no option names anybody to trust, what is built in: make EMBED_ROOTS. */
struct th_source th_cli_roots(const struct th_cli_settings *s);

/* There is somebody to trust. */
bool th_cli_trusts(const struct th_cli_settings *s);

#endif
