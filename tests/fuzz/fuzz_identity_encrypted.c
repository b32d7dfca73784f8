/* Encrypted PKCS#8: any bytes in the place of the DER. What asks for much time is passed over. */
#include "base/slice.h"
#include "identity/encrypted.h"
#include <stdlib.h>
#include <string.h>

static int tell(void *arg, uint8_t *out, size_t bytes, struct th_fault *fault)
{
    (void)arg, (void)bytes, (void)fault;
    memcpy(out, "x", 1);
    return 1;
}

static bool is_cheap(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 3 < size; i++)
        if (data[i] == 2 && data[i + 1] > 2)
            return false; /* an INTEGER of three bytes or more */
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_fault fault = {0};
    struct th_passphrase passphrase = {tell, NULL};
    struct th_pem_place place = {"x", 1};
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    struct th_slice der = th_slice_of(copy, size);
    if (is_cheap(data, size) &&
        th_encrypted_open(TH_PEM_DER, &der, &passphrase, &place, &fault) > 0 &&
        (der.data < copy || der.data + der.len_bytes > copy + size))
        abort();
    free(copy);
    return 0;
}
