#include "ledger.h"

#include <stdatomic.h>
#include <string.h>

void (*th_ledger_watch)(const struct th_ledger *ledger, enum th_purpose purpose, int32_t bytes);

static atomic_size_t process_live_bytes;
static atomic_size_t process_peak_bytes;

static void process_take(size_t bytes)
{
    size_t live =
        atomic_fetch_add_explicit(&process_live_bytes, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&process_peak_bytes, memory_order_relaxed);
    while (live > peak &&
           !atomic_compare_exchange_weak_explicit(&process_peak_bytes, &peak, live,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void raise_to(uint32_t *peak, uint32_t value)
{
    if (value > *peak)
        *peak = value;
}

static struct th_ledger_phase *current_phase(struct th_ledger *ledger)
{
    return &ledger->phases[ledger->phase];
}

static void raise_peak(struct th_ledger *ledger)
{
    if (ledger->live_bytes <= ledger->peak_bytes)
        return;
    ledger->peak_bytes = ledger->live_bytes;
    memcpy(ledger->split_at_peak, ledger->live_by_purpose, sizeof ledger->split_at_peak);
}

static void tell(const struct th_ledger *ledger, enum th_purpose purpose, int32_t bytes)
{
    if (th_ledger_watch)
        th_ledger_watch(ledger, purpose, bytes);
}

void th_ledger_open(struct th_ledger *ledger, const char *name)
{
    *ledger = (struct th_ledger){.name = name, .phase = TH_PHASE_RESTING};
}

void th_ledger_enter_phase(struct th_ledger *ledger, enum th_phase phase)
{
    ledger->phase = phase;
    struct th_ledger_phase *current = current_phase(ledger);
    raise_to(&current->peak_bytes, ledger->live_bytes);
    for (int purpose = 0; purpose < TH_PURPOSES; purpose++)
        raise_to(&current->purpose_peak_bytes[purpose], ledger->live_by_purpose[purpose]);
    tell(ledger, TH_PURPOSES, 0);
}

void th_ledger_take(struct th_ledger *ledger, enum th_purpose purpose, size_t bytes)
{
    struct th_ledger_phase *phase = current_phase(ledger);
    ledger->taken++;
    phase->taken++;
    ledger->live_bytes += (uint32_t)bytes;
    ledger->live_by_purpose[purpose] += (uint32_t)bytes;
    raise_to(&phase->peak_bytes, ledger->live_bytes);
    raise_to(&phase->purpose_peak_bytes[purpose], ledger->live_by_purpose[purpose]);
    raise_peak(ledger);
    process_take(bytes);
    tell(ledger, purpose, (int32_t)bytes);
}

void th_ledger_give(struct th_ledger *ledger, enum th_purpose purpose, size_t bytes)
{
    ledger->returned++;
    ledger->live_bytes -= (uint32_t)bytes;
    ledger->live_by_purpose[purpose] -= (uint32_t)bytes;
    atomic_fetch_sub_explicit(&process_live_bytes, bytes, memory_order_relaxed);
    tell(ledger, purpose, -(int32_t)bytes);
}

void th_ledger_refuse(struct th_ledger *ledger, struct th_refusal refusal)
{
    ledger->refused++;
    current_phase(ledger)->refused++;
    refusal.phase = ledger->phase;
    ledger->refusal = refusal;
}

size_t th_ledger_process_live_bytes(void)
{
    return atomic_load_explicit(&process_live_bytes, memory_order_relaxed);
}

size_t th_ledger_process_peak_bytes(void)
{
    return atomic_load_explicit(&process_peak_bytes, memory_order_relaxed);
}
