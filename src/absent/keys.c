#include "absent/absent.h"

#include <thimble/key.h>

#define KEYS "private keys of its own making, nor certificate requests"

int th_key_make(void *block, size_t block_bytes, unsigned curve_bits,
                const struct th_text_sink *sink, struct th_fault *fault)
{
    (void)block, (void)block_bytes, (void)curve_bits, (void)sink;
    return th_absent(fault, KEYS);
}

int th_key_read(void *block, size_t block_bytes, const struct th_key_file *file,
                struct th_key_facts *facts, struct th_fault *fault)
{
    (void)block, (void)block_bytes, (void)file, (void)facts;
    return th_absent(fault, KEYS);
}

int th_request_make(void *block, size_t block_bytes, const struct th_key_file *file,
                    const char *subject, const char *names, const struct th_text_sink *sink,
                    struct th_fault *fault)
{
    (void)block, (void)block_bytes, (void)file, (void)subject, (void)names, (void)sink;
    return th_absent(fault, KEYS);
}
