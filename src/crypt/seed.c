#include "crypt/seed.h"

#include "crypt/hardware.h"
#include "crypt/random.h"
#include "crypt/wipe.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/random.h>

int th_crypt_seed(struct OS_Seed *unused, unsigned char *seed, unsigned int bytes)
{
    (void)unused;
    int result = th_crypt_random(seed, bytes);
    if (result == 0 && !th_crypt_hardware_mix(seed, bytes))
        result = TH_E_ENTROPY;
    if (result != 0)
        th_crypt_wipe(seed, bytes);
    return result;
}

void th_crypt_seed_wolfssl(void)
{
    wc_SetSeed_Cb(th_crypt_seed);
}
