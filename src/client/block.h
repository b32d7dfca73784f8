/* The blocks callers hand in: cut into parts aligned to 16. */
#ifndef TH_CLIENT_BLOCK_H
#define TH_CLIENT_BLOCK_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define TH_BLOCK_ALIGN_BYTES 16

static inline size_t th_block_round(size_t bytes)
{
    return (bytes + TH_BLOCK_ALIGN_BYTES - 1) & ~(size_t)(TH_BLOCK_ALIGN_BYTES - 1);
}

static inline int th_block_check(const char *what, const void *block, size_t block_bytes,
                                 size_t need_bytes, struct th_fault *fault)
{
    if (!block || (uintptr_t)block % TH_BLOCK_ALIGN_BYTES)
        return th_fault_set(fault, TH_E_ARGUMENT, "the block for the %s must be aligned to %d",
                            what, TH_BLOCK_ALIGN_BYTES);
    if (block_bytes < need_bytes)
        return th_fault_set(fault, TH_E_MEMORY, "the block for the %s has %zu bytes, %zu are "
                            "needed", what, block_bytes, need_bytes);
    return 0;
}

#endif
