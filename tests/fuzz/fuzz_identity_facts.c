/* What a certificate says: any bytes in the place of the DER, and every text made of them. */
#include "base/slice.h"
#include <stdlib.h>
#include <string.h>
#include <thimble/certificate.h>

static char text[TH_CERTIFICATE_TEXT_BYTES];

static void check_text(void)
{
    if (!memchr(text, '\0', sizeof text))
        abort();
    for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            abort();
}

static void check_name(struct th_slice name, size_t room)
{
    memset(text, 1, sizeof text);
    th_name_text(name, text, room);
    check_text();
}

static void check_lists(struct th_certificate *certificate)
{
    while (th_certificate_next_name(&certificate->alternative_names, text, sizeof text))
        check_text();
    while (th_certificate_next_purpose(&certificate->purposes, text, sizeof text))
        check_text();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_certificate certificate;
    struct th_slice der = th_slice_of(data, size);
    check_name(der, sizeof text);
    check_name(der, 9);
    if (th_certificate_read(&certificate, der) < 0)
        return 0;
    check_name(certificate.subject, sizeof text);
    check_name(certificate.issuer, sizeof text);
    check_lists(&certificate);
    return 0;
}
