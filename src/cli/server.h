/* cert show, check, verify, pin: a word HOST:PORT names a server instead of a file. Its
 * certificates are those it sends in a handshake, with the options of a connection; then we hang
 * up. */
#ifndef TH_CLI_SERVER_H
#define TH_CLI_SERVER_H

#include "cli/problem.h"
#include "cli/settings.h"
#include <thimble/certificate.h>

/* Takes the server, if the first word names one, and checks the options of its connection. Nobody
 * to trust is named: then nothing is verified. False: see `problem`. */
bool th_cli_server_take(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* One was taken. */
bool th_cli_server_is_taken(void);

/* Shakes hands with the server, then hands over what it sent, its own certificate first (`take`
 * NULL: to nobody); or th_cli_cert_read(), if none was taken. 0, or an exit status after having
 * said why; th_cli_server_status() is the same, for `take` too. */
int th_cli_server_read(const char *word, th_certificate_taker take, void *arg);
int th_cli_server_status(void);

/* The chain of the server, or of a file if none was taken, side by side. Likewise. */
int th_cli_server_chain(const char *path, struct th_slice *chain);

#endif
