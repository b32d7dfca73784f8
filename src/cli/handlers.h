/* "handlers" of a configuration: who gets the messages of a topic, a program, a file or a socket.
 *
 *     {"topic": "commands/#", "qos": 1, "run": ["/usr/lib/pump", "--once"], "timeout_s": 10,
 *      "concurrency": 2, "env": {"MODE": "fast"}, "reply": "answers/${device_id}"}
 *     {"topic": "alarms/#", "append": "/var/log/alarms", "max_kb": 1024}
 *     {"topic": "settings", "replace": "/run/settings.json"}
 *     {"topic": "state/+", "socket": "/run/state.sock"} */
#ifndef TH_CLI_HANDLERS_H
#define TH_CLI_HANDLERS_H

#include "cli/problem.h"
#include "json/walk.h"
#include <stdint.h>

#define TH_CLI_HANDLERS_MAX 16
#define TH_CLI_HANDLER_WORDS 16
#define TH_CLI_HANDLER_VARIABLES 8

enum th_cli_handler_way { TH_CLI_RUN, TH_CLI_APPEND, TH_CLI_REPLACE, TH_CLI_SOCKET };

struct th_cli_handler {
    const char *topic;                         /* a filter */
    const char *reply;                         /* a topic; NULL: what the message says, if any */
    const char *run[TH_CLI_HANDLER_WORDS + 1]; /* a path, and words of a program; ended by NULL */
    const char *names[TH_CLI_HANDLER_VARIABLES];
    const char *values[TH_CLI_HANDLER_VARIABLES];
    uint16_t qos, timeout_s, concurrency, max_kb;
    uint8_t words, variables, way;
    uint8_t ways; /* a bit for each that all of it means something for */
    struct th_json_place place;
};

struct th_cli_handlers {
    struct th_cli_handler *list; /* TH_CLI_HANDLERS_MAX */
    unsigned count;
};

/* Those in use. Their texts lie in the configuration. */
const struct th_cli_handlers *th_cli_handlers(void);
void th_cli_handlers_clear(void);

/* Others are read beside them, from now on; and take their place. Those before stay where they are
 * until others are read. */
void th_cli_handlers_begin(void);
void th_cli_handlers_keep(void);
unsigned th_cli_handlers_read(void); /* how many */
bool th_cli_handlers_is_used(const struct th_cli_handler *handler); /* not of those before */

/* Takes a leaf whose names[at] is "handlers". NULL, or what is wrong: a format that takes the
 * name. */
const char *th_cli_handlers_take(const struct th_json_leaf *leaf, unsigned at);

/* After the last leaf. NULL, or what is missing, and where. */
const char *th_cli_handlers_check(struct th_json_place *place);

/* Fills their templates in. False: see `problem`. */
bool th_cli_handlers_fill(struct th_cli_problem *problem);

#endif
