/* The certificates of a file, or of the files in a directory. */
#include <thimble/certificate.h>

#include "base/err.h"
#include "identity/directory.h"

#include <errno.h>

struct reading {
    void *block;
    size_t block_bytes;
    th_certificate_taker take;
    void *arg;
    int count;
};

static int read_file(struct reading *reading, const char *path, struct th_fault *fault)
{
    struct th_source source = {.path = path};
    int result = th_certificates_read(reading->block, reading->block_bytes, &source, reading->take,
                                      reading->arg, fault);
    reading->count += result > 0 ? result : 0;
    return result;
}

static int read_entry(void *arg, const char *path)
{
    struct th_fault fault;
    int result = th_directory_names_certificate(path) ? read_file(arg, path, &fault) : 0;
    return result == TH_E_MEMORY ? result : 0;
}

int th_authorities_read(void *block, size_t block_bytes, const char *path,
                        th_certificate_taker take, void *arg, struct th_fault *fault)
{
    struct reading reading = {block, block_bytes, take, arg, 0};
    int result = th_directory_each(path, read_entry, &reading);
    if (result < 0 && errno == ENOTDIR)
        return read_file(&reading, path, fault);
    if (result < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "certificates: cannot read %s", path);
    return reading.count;
}
