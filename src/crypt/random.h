/* Random bytes: the kernel's, and if asked for a hardware source mixed into wolfSSL's seed.
 *
 * The kernel pool is asked with GRND_NONBLOCK: a pool that is not ready is an error, not a wait. */
#ifndef TH_CRYPT_RANDOM_H
#define TH_CRYPT_RANDOM_H

#include <thimble.h>

/* 0 if the kernel's random pool is ready, else TH_E_ENTROPY with a sentence. */
int th_crypt_random_check(struct th_fault *fault);

/* There was none; errno says why. Sets the fault. Returns TH_E_ENTROPY. */
int th_crypt_random_lacks(struct th_fault *fault);

/* Fills `out` from the kernel. Returns 0 or TH_E_ENTROPY (then `out` is all zero). For client
 * identifiers, jitter and masks; keys come from wolfSSL's generator, seeded by th_crypt_seed. */
int th_crypt_random(void *out, size_t bytes);

/* Seed material: kernel bytes, XORed with as many tested bytes of the hardware source when one is
 * open. Has the type of wolfCrypt's seed callback; 0, or nonzero when either source fails. */
struct OS_Seed;
int th_crypt_seed(struct OS_Seed *unused, unsigned char *seed, unsigned int bytes);

#endif
