#include "crypt/random.h"

#include "base/err.h"
#include "crypt/wipe.h"

#include <errno.h>
#include <sys/random.h>

static ssize_t ask_kernel(uint8_t *out, size_t bytes)
{
    ssize_t got;
    do
        got = getrandom(out, bytes, GRND_NONBLOCK);
    while (got < 0 && errno == EINTR);
    return got;
}

int th_crypt_random(void *out, size_t bytes)
{
    uint8_t *at = out;
    for (size_t left = bytes; left > 0;) {
        ssize_t got = ask_kernel(at, left);
        if (got <= 0) {
            th_crypt_wipe(out, bytes);
            return TH_E_ENTROPY;
        }
        at += got;
        left -= (size_t)got;
    }
    return 0;
}

int th_crypt_random_check(struct th_fault *fault)
{
    uint8_t probe[1];
    bool is_ready = ask_kernel(probe, sizeof probe) == sizeof probe;
    return is_ready ? 0 : th_crypt_random_lacks(fault);
}

int th_crypt_random_lacks(struct th_fault *fault)
{
    return th_fault_set_errno(fault, TH_E_ENTROPY,
                              "the kernel's random pool is not ready, nothing was sent; try again "
                              "later, or feed the pool (hardware source, saved seed)");
}
