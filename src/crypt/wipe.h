/* Wiping that the compiler may not leave out. */
#ifndef TH_CRYPT_WIPE_H
#define TH_CRYPT_WIPE_H

#include <stddef.h>

void th_crypt_wipe(void *data, size_t bytes);

#endif
