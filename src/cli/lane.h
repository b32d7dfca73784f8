/* One process may have several connections: an agent whose configuration names them. All that a
 * room knows of one connection lies in its lane, and whoever's turn it is finds it there.
 *
 *     struct lane {
 *         uint64_t due_ms;
 *     };
 *     TH_LANE(struct lane, own);
 *
 * declares `own`, a pointer to the struct of the connection whose turn it is, all zero at the
 * beginning. The loop (cli/connection.c) enters a lane before it calls anybody: neither rooms nor
 * their callers know of others. Where a profile has one connection, the pointer is a constant. */
#ifndef TH_CLI_LANE_H
#define TH_CLI_LANE_H

#include "base/roomy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TH_LANES TH_AGENT_CONNECTIONS
#define TH_LANE_SHARES 64 /* at most */

/* What th_cli_lane_enter() turns to another lane. */
struct th_cli_share {
    void *pointer; /* to the first lane's at the beginning */
    int32_t bytes; /* of whole lines of the cache; negative: it is roomy */
} __attribute__((packed, aligned(4))); /* twelve bytes: there are many */

#if TH_AGENT_BIT
#define TH_LANE_POINTER(type, name, is_roomy) \
    static type *name = (type *)&name##_first; \
    static const struct th_cli_share name##_share \
        __attribute__((section("lane_shares"), used, aligned(4))) = \
            {&name, (int32_t)((sizeof name##_first + 63) / 64) * (is_roomy ? -64 : 64)}
#else
#define TH_LANE_POINTER(type, name, is_roomy) static type *const name = (type *)&name##_first
#endif

#define TH_LANE(type, name) static type name##_first; TH_LANE_POINTER(type, name, false)

/* Large, or seldom touched: base/roomy.h. */
#define TH_LANE_ROOMY(type, name) \
    static TH_ROOMY type name##_first; TH_LANE_POINTER(type, name, true)
#define TH_LANE_HEADED(type, name) \
    static TH_HEADED type name##_first; TH_LANE_POINTER(type, name, true)

/* Several of a type, with a pointer to the first of them. */
#define TH_LANE_ARRAY(type, name, count) \
    static TH_ROOMY type name##_first[count]; TH_LANE_POINTER(type, name, true)

/* From now on all pointers are those of this lane, below TH_LANES. */
void th_cli_lane_enter(unsigned lane);

/* Whose turn it is: 0, unless there are several. */
unsigned th_cli_lane(void);

/* A round over all of them begins and ends with the first one, whose turn it is between rounds:
 *
 *     do
 *         serve();
 *     while (th_cli_lane_next());
 *
 * Enters the one behind it. False: there is none, and the first one was entered. */
bool th_cli_lane_next(void);

/* There are so many; at most TH_LANES. Before that there is one. */
void th_cli_lanes_open(unsigned count);
unsigned th_cli_lanes(void);

#endif
