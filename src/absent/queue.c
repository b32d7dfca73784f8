#include "absent/absent.h"
#include "agent/queue.h"

/* No option asks for a spool. */
const struct th_agent_part th_agent_queue = {0};

int th_agent_queue_put(const struct th_spool_message *message, uint64_t *seq,
                       struct th_fault *fault)
{
    (void)message, (void)seq;
    return th_absent(fault, "spool");
}

int th_agent_queue_fate(uint64_t seq)
{
    (void)seq;
    return TH_E_ARGUMENT;
}

bool th_agent_queue_look(struct th_spool_stat *stat)
{
    (void)stat;
    return false;
}
