/* Binary only: malloc and its family on a small static heap (TH_PROCESS_HEAP_BYTES). */
#ifndef TH_MEM_LIBC_H
#define TH_MEM_LIBC_H

#include "payer.h"

/* The payer of the process: its ledger and its heap, for the report. */
const struct th_payer *th_libc_payer(void);

#endif
