#include "cli/payload.h"

#include "base/err.h"
#include "cli/show.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard input may be shared with somebody who made it non-blocking. */
static bool may_read_again(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    return errno == EINTR || (errno == EAGAIN && poll(&input, 1, -1) >= 0);
}

static ssize_t read_again(int fd, uint8_t *at, size_t bytes)
{
    ssize_t got;
    do
        got = read(fd, at, bytes);
    while (got < 0 && may_read_again(fd));
    return got;
}

/* Reads until the end or until the buffer is full. Returns the bytes, or -1 with errno. */
static ssize_t read_all(int fd, uint8_t *buffer, size_t buffer_bytes)
{
    size_t used = 0;
    while (used < buffer_bytes) {
        ssize_t got = read_again(fd, buffer + used, buffer_bytes - used);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static bool is_at_end(int fd)
{
    uint8_t more;
    return read_again(fd, &more, 1) <= 0;
}

static int refuse_large(int fd, const char *name, size_t buffer_bytes, struct th_fault *fault)
{
    struct stat status;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode))
        return th_fault_set(fault, TH_E_TOO_LARGE, "%s has %lld bytes, there is room for %zu", name,
                            (long long)status.st_size, buffer_bytes);
    return th_fault_set(fault, TH_E_TOO_LARGE, "%s has more than the %zu bytes there is room for",
                        name, buffer_bytes);
}

static int load(int fd, const char *name, uint8_t *buffer, size_t buffer_bytes,
                struct th_slice *payload, struct th_fault *fault)
{
    ssize_t bytes = read_all(fd, buffer, buffer_bytes);
    if (bytes < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "cannot read %s", name);
    if ((size_t)bytes == buffer_bytes && !is_at_end(fd))
        return refuse_large(fd, name, buffer_bytes, fault);
    *payload = (struct th_slice){buffer, (size_t)bytes};
    return 0;
}

int th_cli_payload_load(const char *path, uint8_t *buffer, size_t buffer_bytes,
                        struct th_slice *payload, struct th_fault *fault)
{
    if (!path)
        return load(STDIN_FILENO, "standard input", buffer, buffer_bytes, payload, fault);
    char shown[TH_CLI_SHOWN_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "cannot open %s", th_cli_show(path, shown));
    int rc = load(fd, th_cli_show(path, shown), buffer, buffer_bytes, payload, fault);
    close(fd);
    return rc;
}
