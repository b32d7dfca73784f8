#include <thimble/plan.h>

#include "base/err.h"
#include "client/client.h"
#include "tls/plan.h"

#include <string.h>

#define RECORD_BYTES 16384   /* RFC 8446 section 5.1 */
#define RECORD_HEADER 5
#define ACKNOWLEDGEMENT_BYTES 4

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t packet_bytes(const struct th_plan_config *config)
{
    return most(config->packet_bytes, ACKNOWLEDGEMENT_BYTES);
}

/* Small records come from the heap. */
static uint32_t record_cell(const struct th_plan_config *config, const struct th_tls_plan *tls)
{
    uint32_t given = config->record_bytes ? config->record_bytes : RECORD_BYTES;
    uint32_t largest = most(given + tls->wrap_bytes, tls->record_bytes);
    return largest > TH_RECORD_THRESHOLD_BYTES ? least(largest, TH_RECORD_CELL_BYTES) : 0;
}

/* Read ahead as much as comes, and everything of ours until the socket takes it. The answers to
 * the greeting and to what was sent with it may come together with the tickets. */
static uint32_t tcp_cell(const struct th_plan_config *config, const struct th_tls_plan *tls,
                         uint32_t greeting_bytes)
{
    uint32_t message = RECORD_HEADER + packet_bytes(config) + tls->wrap_bytes;
    uint32_t greeting = RECORD_HEADER + greeting_bytes + tls->wrap_bytes;
    uint32_t answers = tls->tickets_bytes + 2 * message;
    return least(most(tls->flight_bytes, answers), TH_TCP_READ_BYTES) +
           least(most(tls->out_bytes, greeting), TH_TCP_WRITE_BYTES);
}

/* It was counted before, when the client was opened. */
static uint32_t greeting_bytes(const struct th_client *client)
{
    int bytes = th_session_greeting_bytes(&client->config, NULL);
    return bytes > 0 ? (uint32_t)bytes : 0;
}

static int check(const struct th_client *client, struct th_fault *fault)
{
    bool is_new = client->link.phase == TH_PHASE_RESTING && client->link.attempts == 0;
    if (!is_new || !client->link.config.context)
        return th_fault_set(fault, TH_E_ARGUMENT,
                            "a plan is made for a client with TLS before it connects");
    return 0;
}

static int plan_tls(struct th_client *client, const struct th_plan_config *config,
                    struct th_tls_plan *tls, struct th_fault *fault)
{
    struct th_link *link = &client->link;
    struct th_link_step_mark mark = th_link_step_begin(link);
    int result = th_tls_plan(tls, link->config.context->tls, th_link_broker_name(link),
                             &config->server_chain, TH_RECORD_THRESHOLD_BYTES, fault);
    th_link_step_end(link, mark);
    return result;
}

static void plan_pools(const struct th_client *client, const struct th_plan_config *config,
                       const struct th_tls_plan *tls, struct th_plan *plan)
{
    struct th_report report;
    uint32_t *needed = plan->needed_bytes;
    th_report(client, &report);
    needed[TH_REPORT_TCP_CELL] = tcp_cell(config, tls, greeting_bytes(client));
    needed[TH_REPORT_RECORD_CELL] = record_cell(config, tls);
    needed[TH_REPORT_WINDOW] = least(packet_bytes(config), TH_PACKET_WINDOW_BYTES);
    needed[TH_REPORT_OUTBOX] = report.pools[TH_REPORT_OUTBOX].peak_bytes;
    needed[TH_REPORT_TLS_HEAP] = tls->heap_bytes;
    needed[TH_REPORT_SHARED_HEAP] = report.pools[TH_REPORT_SHARED_HEAP].peak_bytes;
}

int th_plan(struct th_client *client, const struct th_plan_config *config, struct th_plan *plan,
            struct th_fault *fault)
{
    struct th_tls_plan tls = {0};
    memset(plan, 0, sizeof *plan);
    if (fault)
        memset(fault, 0, sizeof *fault);
    int result = check(client, fault);
    if (result == 0)
        result = plan_tls(client, config, &tls, fault);
    if (result == 0)
        plan_pools(client, config, &tls, plan);
    return result;
}
