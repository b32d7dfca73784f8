/* setrlimit(2): nothing may grow any more. */
#ifndef TH_SANDBOX_LIMITS_H
#define TH_SANDBOX_LIMITS_H

#include <stdbool.h>

/* No more address space, data, stack of the kernel's, no other process, no core; descriptors up to
 * TH_SANDBOX_DESCRIPTORS above the first that is free. False if one could not be set. */
bool th_sandbox_limit(void);

/* Both ends of each connection, as of a tunnel, and what else is open for a time. */
#define TH_SANDBOX_DESCRIPTORS (56 * TH_AGENT_CONNECTIONS + 2 * TH_CONNECTIONS)

#endif
