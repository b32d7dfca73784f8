/* setrlimit(2): nothing may grow any more. */
#ifndef TH_SANDBOX_LIMITS_H
#define TH_SANDBOX_LIMITS_H

#include <stdbool.h>

/* No more address space, data, stack of the kernel's, no other process, no core; descriptors up to
 * th_sandbox_descriptors() above the first that is free. False if one could not be set. `others`:
 * connections of an agent besides one. */
bool th_sandbox_limit(unsigned others);

/* Both ends of each connection, as of a tunnel, and what else is open for a time. */
static inline unsigned th_sandbox_descriptors(unsigned others)
{
    return 56 + 56 * others + 2 * TH_CONNECTIONS;
}

#endif
