#include "report/report.h"

#include "mem/libc.h"

/* Defined where malloc is ours: in the program, not in its tests. */
#pragma weak th_libc_payer

void th_report_process_heap(struct th_report *report)
{
    if (!th_libc_payer)
        return;
    const struct th_payer *payer = th_libc_payer();
    report->pools[TH_REPORT_PROCESS_HEAP] = (struct th_report_pool){
        .size_bytes = TH_PROCESS_HEAP_BYTES,
        .budget_bytes = payer->budget_bytes,
        .peak_bytes = payer->heap.peak_bytes,
        .live_bytes = payer->heap.live_bytes,
    };
}
