/* Where messages go that are for no program: the end of a file, a file that always holds the last
 * one, or a datagram socket. Part of the runner: none of these may be opened by the agent, whose
 * sandbox has no rule for them, and a disk that is slow holds up the runner alone. */
#ifndef TH_AGENT_SINK_H
#define TH_AGENT_SINK_H

#include "cli/handlers.h"

#define TH_SINK_DATAGRAM_BYTES 16384

struct th_sink_message {
    const struct th_cli_handler *handler; /* not one that runs something */
    const char *topic;
    uint32_t about; /* th_order_about() */
    int payload;    /* a file, whose place is its end */
    bool in_vain;   /* the one before was lost: nobody is waited for */
};

/* 0, or errno: the message is lost, and the file is what it was. The first call makes standard
 * output of this process a file in memory, for what is printed. */
int th_agent_sink_put(const struct th_sink_message *message);

#endif
