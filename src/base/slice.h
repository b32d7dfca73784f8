/* Bytes that belong to somebody else. */
#ifndef TH_BASE_SLICE_H
#define TH_BASE_SLICE_H

#include <stdbool.h>
#include <string.h>
#include <thimble.h>

static inline struct th_slice th_slice_of(const void *data, size_t len_bytes)
{
    return (struct th_slice){data, len_bytes};
}

static inline struct th_slice th_slice_after(struct th_slice slice, size_t bytes)
{
    return th_slice_of(slice.data + bytes, slice.len_bytes - bytes);
}

static inline struct th_slice th_slice_text(const char *text)
{
    return (struct th_slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool th_slice_equal(struct th_slice a, struct th_slice b)
{
    return a.len_bytes == b.len_bytes && (a.len_bytes == 0 || !memcmp(a.data, b.data, a.len_bytes));
}

#endif
