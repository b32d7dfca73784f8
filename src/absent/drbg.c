/* wolfSSL takes the numbers of its keys from the kernel. */
#include "crypt/random.h"
#include "crypt/seed.h"

int th_crypt_random_block(unsigned char *out, unsigned int bytes);

int th_crypt_random_block(unsigned char *out, unsigned int bytes)
{
    return th_crypt_random(out, bytes);
}

void th_crypt_seed_wolfssl(void)
{
}
