/* What the agent is made of. Each part has its say in every turn of the loop; a function that is
 * NULL has nothing to say. The parts stand in one table, in agent.c, in the order in which they are
 * asked; closing goes the other way round.
 */
#ifndef TH_AGENT_PART_H
#define TH_AGENT_PART_H

#include "cli/handlers.h"
#include "cli/settings.h"
#include <poll.h>
#include <thimble.h>

/* All that is subscribed to. */
#define TH_AGENT_FILTERS_MAX (TH_CLI_LIST_MAX + TH_CLI_HANDLERS_MAX)
const struct th_filter *th_agent_filters(size_t *count);

/* A message that came goes to the first part that takes it, or is printed. */
void th_agent_deliver(void *arg, const struct th_delivery *piece);

struct th_agent_part {
    /* Before the sandbox closes. 0, or an exit status after having said why. */
    int (*open)(const struct th_cli_settings *settings);

    /* What happened on the connection. */
    void (*event)(const struct th_event *event);

    /* A message came. True: it is taken, and no later part sees it. */
    bool (*delivery)(const struct th_delivery *piece);

    /* Does what can be done now without waiting; true if it did something. */
    bool (*turn)(void);

    /* Descriptors to be polled: writes at most `room` of them and returns how many. ready() gets
     * the same ones back after poll(2), with what is ready in revents. */
    nfds_t (*await)(struct pollfd *fds, nfds_t room);
    void (*ready)(const struct pollfd *fds, nfds_t count);

    /* When turn() has something to do even if nothing happens: th_clock_ms(), or TH_NEVER. */
    uint64_t (*until_ms)(void);

    /* Whether the agent may end: asked to, it stays until all say so, or its time is up. */
    bool (*drained)(void);

    /* The configuration was read again, and what needs no new connection counts from now on. */
    void (*renew)(const struct th_cli_settings *settings);

    void (*close)(void);
};

#endif
