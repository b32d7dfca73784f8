#include "absent/absent.h"
#include "agent/plain.h"
#include "agent/queue.h"
#include "cli/connection.h"

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

void th_agent_queue_look_again(bool anew)
{
    (void)anew;
}

/* Nor for a way to the broker for its messages. */
const struct th_agent_part th_agent_plain = {0};

bool th_agent_plain_take(struct th_cli_settings *settings, struct th_cli_problem *problem)
{
    (void)settings, (void)problem;
    return true;
}

struct th_client *th_agent_plain_carrier(struct th_slice topic, uint8_t qos)
{
    (void)topic, (void)qos;
    return th_cli_connection_client();
}

bool th_agent_plain_is_up(void)
{
    return false;
}
