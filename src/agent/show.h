/* What an agent answers through its --status-socket, for people or for Prometheus. */
#ifndef TH_AGENT_SHOW_H
#define TH_AGENT_SHOW_H

#include <stdbool.h>
#include <stddef.h>

/* What a monitor wants to know; UNKNOWN: it is no agent's answer. */
enum th_agent_verdict { TH_AGENT_FINE, TH_AGENT_TRYING, TH_AGENT_FAILED, TH_AGENT_UNKNOWN };

struct th_agent_view {
    void (*write)(const void *data, size_t bytes);
    bool for_prometheus; /* text exposition format 0.0.4; else a line for each that is not 0 */
    bool coloured;
    char *room; /* for a copy of an answer: wanted for several for Prometheus */
};

/* Of one connection: an object, and a name in it if it has one. */
struct th_agent_answer {
    char *text;
    size_t bytes;
};

/* Shows the answers, which are written over; they may be anybody's: nothing in them drives a
 * terminal. The worst verdict on them. */
enum th_agent_verdict th_agent_show(const struct th_agent_answer *answers, size_t count,
                                    const struct th_agent_view *view);

#endif
