#include "absent/absent.h"
#include "identity/encrypted.h"

int th_encrypted_open(enum th_pem_kind kind, struct th_slice *der,
                      const struct th_passphrase *passphrase, const struct th_pem_place *place,
                      struct th_fault *fault)
{
    (void)der, (void)passphrase;
    if (kind != TH_PEM_SEALED_KEY && kind != TH_PEM_ENCRYPTED_KEY)
        return 0;
    return th_fault_set(fault, TH_E_FILE,
                        "private key: %s, line %u: the key is encrypted; store it decrypted and "
                        "readable by its user only: openssl pkey -in FILE -out FILE.key",
                        place->name, place->line);
}
