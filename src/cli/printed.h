/* How the printing went. */
#ifndef TH_CLI_PRINTED_H
#define TH_CLI_PRINTED_H

/* Writes what was printed. TH_CLI_OK; TH_CLI_OUTPUT_CLOSED, which is no error to talk about; or the
 * exit status of a failure, after having said why. */
int th_cli_printed(void);

#endif
