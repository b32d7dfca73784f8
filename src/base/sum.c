#include "base/sum.h"

uint32_t th_sum(uint32_t so_far, struct th_slice bytes)
{
    for (size_t i = 0; i < bytes.len_bytes; i++)
        so_far = (so_far ^ bytes.data[i]) * 16777619u;
    return so_far;
}
