/* A hardware source of random bytes, one for the whole process: wolfSSL's seed callback has no
 * argument of ours. */
#ifndef TH_CRYPT_HARDWARE_H
#define TH_CRYPT_HARDWARE_H

#include <thimble.h>

/* Opens a hardware source (for example /dev/hwrng) for the whole process and tests its first 1,024
 * samples (SP 800-90B sections 4.3 and 4.4). NULL does nothing. The same path may be opened again
 * and is counted; another path while one is open is TH_E_ARGUMENT. A source that is silent for
 * 250 ms has failed. Errors: ARGUMENT, ENTROPY, FILE. */
int th_crypt_hardware_open(const char *path, struct th_fault *fault);

/* Undoes one th_crypt_hardware_open() of a path that was not NULL. */
void th_crypt_hardware_close(void);

/* XORs as many tested bytes of the source into `seed`, if one is open. False: it failed. */
bool th_crypt_hardware_mix(uint8_t *seed, size_t bytes);

#endif
