/* Fills struct th_report from the books of a link. */
#include "client/client.h"

#include "base/clock.h"

#include <string.h>

/* The budget of a heap with an annex is that of both. */
static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void fill_heap(struct th_report_pool *pool, const struct th_payer *payer, size_t size_bytes)
{
    pool->size_bytes = (uint32_t)size_bytes;
    pool->budget_bytes = smaller(payer->budget_bytes, pool->size_bytes);
    pool->peak_bytes = payer->heap.peak_bytes;
    pool->live_bytes = payer->heap.live_bytes;
}

static void fill_pools(const struct th_link *link, struct th_report *report)
{
    const struct th_context *context = link->config.context;
    const struct th_cell *cell = &link->payer.cell;
    uint32_t cell_bytes = TH_LEASES ? TH_RECORD_CELL_BYTES : cell->bytes;
    report->pools[TH_REPORT_TCP_CELL] = (struct th_report_pool){
        TH_TCP_CELL_BYTES, TH_TCP_CELL_BYTES, th_link_tcp_cell_peak_bytes(link),
        th_clipped(th_net_wire_pending_in(&link->wire) + th_net_wire_pending_out(&link->wire))};
    report->pools[TH_REPORT_RECORD_CELL] = (struct th_report_pool){
        cell_bytes, cell_bytes, cell->peak_bytes, th_clipped(th_cell_live_bytes(cell))};
    fill_heap(&report->pools[TH_REPORT_TLS_HEAP], &link->payer, TH_TLS_HEAP_BYTES);
    if (context)
        fill_heap(&report->pools[TH_REPORT_SHARED_HEAP], &context->payer, TH_SHARED_HEAP_BYTES);
}

static void fill_lease(struct th_report_lease *lease, const struct th_leases *leases,
                       uint32_t peak_bytes)
{
    *lease = (struct th_report_lease){
        (uint32_t)leases->piece_bytes, peak_bytes,           leases->slab.blocks,
        leases->held,                  leases->held_peak,    leases->waiting,
        leases->waiting_peak,          leases->waits,
    };
}

static void fill_leases(const struct th_link *link, struct th_report *report)
{
    const struct th_context *context = link->config.context;
    if (!TH_LEASES || !context)
        return;
    fill_lease(&report->leases[TH_REPORT_HANDSHAKE_HEAPS], &context->handshakes,
               th_payer_annex_peak_bytes(&link->payer));
    fill_lease(&report->leases[TH_REPORT_RECORD_CELLS], &context->records,
               link->payer.cell.peak_bytes);
}

static void fill_phases(const struct th_link *link, struct th_report *report)
{
    for (int i = 0; i < TH_PHASES; i++) {
        const struct th_ledger_phase *phase = &link->payer.ledger.phases[i];
        struct th_report_phase *out = &report->phases[i];
        out->duration_us = link->clock.phase_us[i];
        out->peak_bytes = phase->peak_bytes;
        out->stack_peak_bytes = phase->stack_peak_bytes;
        out->taken = phase->taken;
        out->refused = phase->refused;
        if (out->stack_peak_bytes > report->stack_bytes)
            report->stack_bytes = out->stack_peak_bytes;
    }
    report->phases[link->phase].duration_us += th_clock_us() - link->clock.phase_began_us;
}

static uint32_t peak_of_purpose(const struct th_ledger *ledger, int purpose)
{
    uint32_t peak_bytes = 0;
    for (int i = 0; i < TH_PHASES; i++)
        if (ledger->phases[i].purpose_peak_bytes[purpose] > peak_bytes)
            peak_bytes = ledger->phases[i].purpose_peak_bytes[purpose];
    return peak_bytes;
}

_Static_assert(TH_PURPOSES < TH_REPORT_PURPOSES_MAX, "the report has room for every purpose");

static void fill_purposes(const struct th_ledger *ledger, struct th_report *report)
{
    for (int i = 0; i < TH_PURPOSES; i++)
        report->purposes[i] = (struct th_report_purpose){
            th_purpose_name(i), ledger->live_by_purpose[i], peak_of_purpose(ledger, i),
            ledger->split_at_peak[i]};
}

static void fill_refusal(const struct th_refusal *refusal, struct th_report *report)
{
    if (!refusal->pool)
        return;
    report->last_refusal = (struct th_report_refusal){
        refusal->pool, th_purpose_name(refusal->purpose), refusal->phase, refusal->needed_bytes,
        refusal->live_bytes, refusal->budget_bytes};
}

static void fill_ledger(const struct th_ledger *ledger, struct th_report *report)
{
    report->pool_bytes = ledger->peak_bytes;
    report->taken = ledger->taken;
    report->returned = ledger->returned;
    report->refused = ledger->refused;
    fill_purposes(ledger, report);
    fill_refusal(&ledger->refusal, report);
}

static void fill_times(const struct th_link *link, struct th_report *report)
{
    report->times.lookup_us = th_clipped(link->clock.attempt_us[TH_PHASE_FINDING]);
    report->times.tcp_us = th_clipped(link->clock.attempt_us[TH_PHASE_DIALING]);
    report->times.tls_us = th_clipped(link->clock.attempt_us[TH_PHASE_SHAKING]);
    report->times.longest_step_us = th_clipped(link->clock.longest_step_us);
}

static void fill_context(const struct th_context *context, struct th_report *report)
{
    if (!context)
        return;
    report->identity_transient_bytes = th_clipped(context->tls->transient_peak_bytes);
    report->identity_resident_bytes = th_clipped(context->tls->resident_bytes);
}

static void fill_process(struct th_report *report)
{
    report->process.live_bytes = th_clipped(th_ledger_process_live_bytes());
    report->process.peak_bytes = th_clipped(th_ledger_process_peak_bytes());
}

void th_link_report(const struct th_link *link, struct th_report *report)
{
    memset(report, 0, sizeof *report);
    th_link_settle_stack(link);
    fill_pools(link, report);
    fill_leases(link, report);
    fill_phases(link, report);
    fill_ledger(&link->payer.ledger, report);
    fill_times(link, report);
    fill_context(link->config.context, report);
    fill_process(report);
    report->attempts = link->attempts;
    report->tls = link->facts;
    report->socket = th_link_socket_figures(link);
    report->kernel_bytes = report->socket.receive_buffer_bytes + report->socket.send_buffer_bytes;
}
