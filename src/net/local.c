#include "net/local.h"

#include "base/err.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING = 16 }; /* they are accepted one at a time */

static int bind_to(int fd, uint16_t port)
{
    const int yes = 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return bind(fd, (const struct sockaddr *)&address, sizeof address);
}

int th_net_local_listen(uint16_t port, struct th_fault *fault)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind_to(fd, port) == 0 && listen(fd, WAITING) == 0)
        return fd;
    int error = th_fault_set_errno(fault, TH_E_SYSTEM, "cannot listen on 127.0.0.1 port %d", port);
    th_net_hang_up(fd);
    return error;
}

bool th_net_local_is_ours(int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid();
}
