/* Asks a process through its --status-socket. */
#ifndef TH_CLI_ASK_H
#define TH_CLI_ASK_H

#include <thimble.h>

/* `word` is a path, or a process number. The bytes of the answer, which is in th_cli_payload_buffer
 * and ends with a NUL, or an error. */
int th_cli_ask(const char *word);

/* Why there is no answer. */
struct th_fault *th_cli_ask_fault(void);

/* The answer is not of `what`: sets the fault, and returns its code. */
int th_cli_ask_refuse(const char *what);

/* Prints so many bytes of it as they are. */
void th_cli_ask_print(size_t bytes);

#endif
