/* Lines for people, on standard error. Each is one write(2); nothing allocates. */
#ifndef TH_CLI_SAY_H
#define TH_CLI_SAY_H

#include <stdbool.h>
#include <thimble.h>

struct th_cli_voice {
    const char *command; /* "pub": lines begin with "thimble pub: " */
    bool quiet;          /* th_cli_say() is silent */
    bool debug;
    const char *danger;  /* "[insecure] ": stands in every line; or NULL */
    const char *connection; /* "cloud": likewise, behind the command; or NULL */
};

/* How we speak from now on of the connection whose turn it is (cli/lane.h), and what it is called;
 * NULL: it has no name. */
void th_cli_voice_set(const struct th_cli_voice *voice);
void th_cli_voice_call(const char *command, const char *connection); /* with nothing else set */
const char *th_cli_voice_connection(void);

/* True: what is said from now on concerns all connections, and names none. */
void th_cli_voice_of_all(bool all);

/* What is worth knowing while running. */
void th_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What goes wrong, or is lost, and is no end. */
void th_cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the program ends with, or will: behind the sentence stand the status and its name, but not
 * under the names of mosquitto's clients. */
void th_cli_say_status(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for mistakes of the user, which --quiet does not hide. Returns TH_CLI_USAGE. */
int th_cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on lines go to `dress`, without their newline, which writes them otherwise; the first
 * `called_bytes` say who speaks. */
typedef void th_cli_dress(enum th_log_level level, struct th_slice line, size_t called_bytes);
void th_cli_voice_dress(th_cli_dress *dress);

/* Whole lines as they are, harmless ones. */
void th_cli_say_as_is(const char *text, size_t bytes);

/* The sink for the library's log. */
struct th_log th_cli_voice_log(void);

#endif
