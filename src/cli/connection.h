/* One connection of a command: opened from the settings and carried on until it ends. */
#ifndef TH_CLI_CONNECTION_H
#define TH_CLI_CONNECTION_H

#include "cli/settings.h"
#include <poll.h>
#include <thimble/report.h>

/* What a command brings along. `arg` goes to every function. */
struct th_cli_work {
    void (*on_delivery)(void *arg, const struct th_delivery *delivery);
    void (*on_event)(void *arg, const struct th_event *event);

    /* Does what can be done now without waiting; true if it did something. Called when nothing
     * else is left to do, before every wait. NULL: nothing. */
    bool (*turn)(void *arg);

    /* What else to wait for; NULL: nothing. Standard input: on_input() is called when wants_input()
     * and a read(2) would not block. A point in time: th_clock_ms(), or TH_NEVER. */
    bool (*wants_input)(void *arg);
    void (*on_input)(void *arg);
    uint64_t (*until_ms)(void *arg);

    /* More descriptors: writes at most `room` of them and returns how many; ready() gets the same
     * ones back after poll(2). NULL: none. */
    nfds_t (*await)(void *arg, struct pollfd *fds, nfds_t room);
    void (*ready)(void *arg, const struct pollfd *fds, nfds_t count);

    /* Asked to end, it has its turns until this is true, or the time for an acknowledgement is up.
     * NULL: it ends at once. */
    bool (*drained)(void *arg);
    void *arg;
};

/* Descriptors a command may wait for besides its connection and standard input. */
#define TH_CLI_AWAITED 24

/* Opens context and client. 0, or an exit status after having said why. */
int th_cli_connection_open(const struct th_cli_settings *settings, const struct th_cli_work *work);

/* Before it is opened: it has this as its th_config.received. */
void th_cli_connection_keep(const struct th_received *received);

/* Connects and carries everything on until the end. Returns the exit status. */
int th_cli_connection_run(void);

/* The report, if one is wanted; then everything is closed and wiped. Returns `status`, or that of
 * a report that could not be written. */
int th_cli_connection_close(int status);

/* Ends the work with DISCONNECT and `status`, unless it is ending already. Also from callbacks. */
void th_cli_connection_end(int status);
bool th_cli_connection_is_ending(void);

/* At rest: from now on the client has what the settings say now. */
void th_cli_connection_reconfigure(void);

/* The date can be believed: it is no more waited for. */
bool th_cli_connection_is_dated(void);

/* Whether this process may have so many open as all connections together wait for. */
bool th_cli_connection_may_await(unsigned *descriptors);

struct th_client *th_cli_connection_client(void);

/* As it is now; good until the next one. */
const struct th_report *th_cli_connection_report(void);

/* Prints it for people, on standard error. */
void th_cli_connection_dump(void);

/* Memory that no connection uses: the first such piece, the second, ... */
void *th_cli_connection_spare(unsigned index, size_t *bytes);

/* Says the fault with its exit status, and returns that. */
int th_cli_say_fault(const struct th_fault *fault);

#endif
