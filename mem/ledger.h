/* The books: who holds how much, in which phase, for what. All bytes are requested bytes, without
 * headers: the sum over all ledgers is what a heap profiler shows. */
#ifndef TH_MEM_LEDGER_H
#define TH_MEM_LEDGER_H

#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

#include "purpose.h"

struct th_ledger_phase {
    uint32_t peak_bytes;
    uint32_t taken;            /* allocations granted */
    uint32_t refused;          /* allocations refused */
    uint32_t stack_peak_bytes; /* owner slot for th_stack_credit() */
    uint32_t purpose_peak_bytes[TH_PURPOSES];
};

/* The last allocation that was refused. */
struct th_refusal {
    const char *pool; /* NULL: none yet */
    enum th_phase phase;
    enum th_purpose purpose;
    uint32_t needed_bytes;  /* asked for */
    uint32_t live_bytes;    /* held by the pool at that moment */
    uint32_t budget_bytes;  /* of at most */
    uint32_t largest_bytes; /* what would have been granted; less than is free if fragmented */
};

struct th_ledger {
    const char *name;
    enum th_phase phase;
    uint32_t live_bytes;
    uint32_t peak_bytes;
    uint32_t taken;
    uint32_t returned;
    uint32_t refused;
    uint32_t live_by_purpose[TH_PURPOSES];
    uint32_t split_at_peak[TH_PURPOSES]; /* live by purpose when peak_bytes was reached */
    struct th_ledger_phase phases[TH_PHASES];
    struct th_refusal refusal;
};

/* `name` must outlive the ledger. The phase is TH_PHASE_RESTING. */
void th_ledger_open(struct th_ledger *ledger, const char *name);

/* What is live when a phase begins counts for its peaks. */
void th_ledger_enter_phase(struct th_ledger *ledger, enum th_phase phase);

void th_ledger_take(struct th_ledger *ledger, enum th_purpose purpose, size_t bytes);
void th_ledger_give(struct th_ledger *ledger, enum th_purpose purpose, size_t bytes);

/* Counts a refusal and keeps it; `refusal->phase` is filled in. */
void th_ledger_refuse(struct th_ledger *ledger, struct th_refusal refusal);

/* Told each change of a ledger, after it; NULL unless a trace is wanted. `bytes` is negative when
 * they are given back; a phase begins with TH_PURPOSES and 0. Must not take memory. */
extern void (*th_ledger_watch)(const struct th_ledger *ledger, enum th_purpose purpose,
                               int32_t bytes);

/* Over all ledgers of the process, any thread. */
size_t th_ledger_process_live_bytes(void);
size_t th_ledger_process_peak_bytes(void);

#endif
