/* The certificates of a file, one by one. */
#include <thimble/certificate.h>
#include <thimble/identity.h>

#include "base/err.h"
#include "identity/desk.h"
#include "identity/pem.h"

struct reading {
    th_certificate_taker take;
    void *arg;
    int count;
};

static int refuse(const struct th_pem_place *place, struct th_fault *fault)
{
    return th_fault_because(fault, TH_CORRUPTED,
                            th_fault_set(fault, TH_E_FILE,
                                         "certificate: %s, line %u: damaged; copy the file again",
                                         place->name, place->line));
}

static int take(void *arg, enum th_pem_kind kind, struct th_slice der,
                const struct th_pem_place *place, struct th_fault *fault)
{
    struct reading *reading = arg;
    struct th_certificate certificate;
    if (kind != TH_PEM_CERTIFICATE && kind != TH_PEM_DER)
        return TH_PEM_DROP;
    if (th_certificate_read(&certificate, der) < 0)
        return refuse(place, fault);
    reading->count++;
    int result = reading->take(reading->arg, &certificate, fault);
    return result < 0 ? result : TH_PEM_DROP;
}

static int read_all(struct reading *reading, const struct th_source *source,
                    struct th_fault *fault)
{
    struct th_der der = {0};
    struct th_pem_sink sink = {.block = take, .arg = reading};
    int result = th_pem_read(source, "certificate", &sink, &der, fault);
    th_der_close(&der);
    if (result < 0 || reading->count > 0)
        return result < 0 ? result : reading->count;
    return th_fault_because(fault, TH_INVALID_FORMAT,
                            th_fault_set(fault, TH_E_FILE, "certificate: %s holds no certificate",
                                         source->path ? source->path : "(memory)"));
}

int th_certificates_read(void *block, size_t block_bytes, const struct th_source *source,
                         th_certificate_taker take_one, void *arg, struct th_fault *fault)
{
    struct reading reading = {take_one, arg, 0};
    struct th_desk *desk = th_desk_open(block, block_bytes, fault);
    if (!desk)
        return TH_E_MEMORY;
    int result = read_all(&reading, source, fault);
    th_desk_close(desk);
    return result;
}
