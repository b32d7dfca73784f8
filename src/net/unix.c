#include "net/unix.h"

#include "base/err.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING = 16 }; /* they are accepted one at a time */

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

/* Nobody listens there: the last one did not clean up. */
static bool is_stale(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) < 0 &&
                   errno == ECONNREFUSED;
    close(probe);
    return refused;
}

/* bind(2) refuses what is there; a file refuses connections as a stale socket does. */
static void make_way(const struct sockaddr_un *address)
{
    struct stat there;
    bool is_socket = lstat(address->sun_path, &there) == 0 && S_ISSOCK(there.st_mode);
    if (is_socket && is_stale(address))
        unlink(address->sun_path);
}

static int bind_with(int fd, const struct sockaddr_un *address, unsigned mode)
{
    mode_t before = umask(0777 & ~mode);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
    umask(before);
    return result;
}

int th_net_unix_listen(const char *path, unsigned mode, struct th_fault *fault)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    make_way(&address);
    if (bind_with(fd, &address, mode) == 0 && listen(fd, WAITING) == 0)
        return fd;
    int error = th_fault_set_errno(fault, TH_E_FILE, "cannot listen at %.108s", path);
    th_net_hang_up(fd);
    return error;
}

int th_net_unix_accept(int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        return fd;
    bool is_gone = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    return is_gone ? TH_WANT_READ : TH_E_SYSTEM;
}

static int cannot_reach(const char *path, struct th_fault *fault)
{
    if (errno == ENOENT || errno == ECONNREFUSED)
        return th_fault_set(fault, TH_E_TCP, "no agent listens at %.107s; start one, thimble agent "
                            "with --inbox", path);
    if (errno == EAGAIN)
        return th_fault_set(fault, TH_E_TIMEOUT, "the agent at %.107s is busy", path);
    return th_fault_set_errno(fault, TH_E_FILE, "cannot connect to %.107s", path);
}

int th_net_unix_reach(const char *path, int patience_ms, struct th_fault *fault)
{
    const struct timeval patience = {patience_ms / 1000, patience_ms % 1000 * 1000};
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = cannot_reach(path, fault);
    th_net_hang_up(fd);
    return error;
}

void th_net_unix_tell(int fd, const void *data, size_t bytes)
{
    send(fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

int th_net_unix_datagram(const char *path)
{
    struct sockaddr_un address = address_of(path);
    bool is_abstract = *path == '@';
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                  strlen(address.sun_path) + !is_abstract);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (is_abstract)
        address.sun_path[0] = '\0';
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, bytes) == 0)
        return fd;
    close(fd);
    return -1;
}
