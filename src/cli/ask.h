/* Asks a process through its --status-socket. */
#ifndef TH_CLI_ASK_H
#define TH_CLI_ASK_H

#include <thimble.h>

/* `word` is a path, or a process number. The bytes of the answer, which ends with a NUL, or an
 * error. As much room is behind it. */
int th_cli_ask(const char *word, char **answer);

/* An answer has an object for each connection that has a name, on a line of its own, or a single
 * one: the one behind this one, or the end. */
char *th_cli_ask_behind(char *object);

/* Its connection, ended by a quote; NULL: it has no name. */
const char *th_cli_ask_connection(const char *object);

/* Why there is no answer. */
struct th_fault *th_cli_ask_fault(void);

/* The answer is not of `what`: sets the fault, and returns its code. */
int th_cli_ask_refuse(const char *what);

/* Prints so many bytes of it as they are. */
void th_cli_ask_print(const char *text, size_t bytes);

#endif
