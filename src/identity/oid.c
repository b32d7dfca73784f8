#include "identity/oid.h"

#include "base/slice.h"

/* Length, content, name: a row costs two bytes beside its content and its name. */
#define ROW(length, oid, name) length oid name "\0"
#define RSADSI "\x2A\x86\x48\x86\xF7\x0D"
#define X9_62 "\x2A\x86\x48\xCE\x3D"
#define PKIX_KP "\x2B\x06\x01\x05\x05\x07\x03"

static const char table[] =
    ROW("\x03", "\x55\x04\x03", "CN")
    ROW("\x03", "\x55\x04\x05", "serialNumber")
    ROW("\x03", "\x55\x04\x06", "C")
    ROW("\x03", "\x55\x04\x07", "L")
    ROW("\x03", "\x55\x04\x08", "ST")
    ROW("\x03", "\x55\x04\x09", "street")
    ROW("\x03", "\x55\x04\x0A", "O")
    ROW("\x03", "\x55\x04\x0B", "OU")
    ROW("\x0A", "\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x19", "DC")
    ROW("\x0A", "\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x01", "UID")
    ROW("\x09", RSADSI "\x01\x09\x01", "emailAddress")
    ROW("\x09", RSADSI "\x01\x01\x01", "RSA")
    ROW("\x09", RSADSI "\x01\x01\x05", "sha1WithRSAEncryption")
    ROW("\x09", RSADSI "\x01\x01\x0A", "rsassaPss")
    ROW("\x09", RSADSI "\x01\x01\x0B", "sha256WithRSAEncryption")
    ROW("\x09", RSADSI "\x01\x01\x0C", "sha384WithRSAEncryption")
    ROW("\x09", RSADSI "\x01\x01\x0D", "sha512WithRSAEncryption")
    ROW("\x07", X9_62 "\x02\x01", "EC")
    ROW("\x07", X9_62 "\x04\x01", "ecdsa-with-SHA1")
    ROW("\x08", X9_62 "\x04\x03\x02", "ecdsa-with-SHA256")
    ROW("\x08", X9_62 "\x04\x03\x03", "ecdsa-with-SHA384")
    ROW("\x08", X9_62 "\x04\x03\x04", "ecdsa-with-SHA512")
    ROW("\x08", X9_62 "\x03\x01\x07", "P-256")
    ROW("\x05", "\x2B\x81\x04\x00\x22", "P-384")
    ROW("\x05", "\x2B\x81\x04\x00\x23", "P-521")
    ROW("\x03", "\x2B\x65\x70", "ED25519")
    ROW("\x08", PKIX_KP "\x01", "serverAuth")
    ROW("\x08", PKIX_KP "\x02", "clientAuth")
    ROW("\x08", PKIX_KP "\x03", "codeSigning")
    ROW("\x08", PKIX_KP "\x04", "emailProtection")
    ROW("\x08", PKIX_KP "\x08", "timeStamping")
    ROW("\x08", PKIX_KP "\x09", "OCSPSigning")
    ROW("\x04", "\x55\x1D\x25\x00", "anyExtendedKeyUsage");

static const char *name_of(const char *row)
{
    return row + 1 + *row;
}

static struct th_slice oid_of(const char *row)
{
    return th_slice_of(row + 1, (size_t)*row);
}

/* NULL behind the last. */
static const char *next(const char *row)
{
    const char *name = name_of(row);
    row = name + strlen(name) + 1;
    return *row ? row : NULL;
}

const char *th_oid_name(struct th_slice oid)
{
    for (const char *row = table; row; row = next(row))
        if (th_slice_equal(oid, oid_of(row)))
            return name_of(row);
    return NULL;
}

bool th_oid_of_name(const char *name, size_t name_bytes, struct th_slice *oid)
{
    for (const char *row = table; row; row = next(row))
        if (strlen(name_of(row)) == name_bytes && !memcmp(name, name_of(row), name_bytes)) {
            *oid = oid_of(row);
            return true;
        }
    return false;
}
