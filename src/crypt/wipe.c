#include "crypt/wipe.h"

#include <string.h>

void th_crypt_wipe(void *data, size_t bytes)
{
    if (bytes)
        explicit_bzero(data, bytes);
}
