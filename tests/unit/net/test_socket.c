#include "support.h"

#include "loopback.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static const struct th_net_options plain;

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t bytes = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &bytes), 0);
    return value;
}

/* In place of libc's. */
static bool is_nameless;

int getsockname(int fd, struct sockaddr *address, socklen_t *bytes)
{
    errno = ENOBUFS;
    return is_nameless ? -1 : (int)syscall(SYS_getsockname, fd, address, bytes);
}

static int dial_until_done(const char *text, uint16_t port, int *fd, struct th_fault *fault)
{
    struct th_net_address address = address_of(text);
    *fd = th_net_dial(&address, port, &plain, fault);
    if (*fd < 0)
        return *fd;
    int result = th_net_dialed(*fd, &address, port, fault);
    if (result != TH_WANT_WRITE)
        return result;
    wait_for(*fd, POLLOUT);
    return th_net_dialed(*fd, &address, port, fault);
}

static void connects_over(const char *text)
{
    struct th_fault fault = {0};
    int fd, listener = listen_on(text);
    assert_int_equal(dial_until_done(text, port_of(listener), &fd, &fault), 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fault.code, 0);
    th_net_hang_up(fd);
    close(listener);
}

static void connects_over_ipv4(void **state)
{
    (void)state;
    connects_over("127.0.0.1");
}

static void connects_although_nobody_tells_from_where(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    int fd, listener = listen_on("127.0.0.1");
    uint16_t port = port_of(listener);
    is_nameless = true;
    int result = dial_until_done("127.0.0.1", port, &fd, &fault);
    is_nameless = false;
    assert_int_equal(result, 0);
    th_net_hang_up(fd);
    close(listener);
}

static void connects_over_ipv6(void **state)
{
    (void)state;
    connects_over("::1");
}

static void tells_who_refused(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    char sentence[128];
    int fd, taken = bind_to("127.0.0.1", 0, SOCK_STREAM);
    uint16_t port = port_of(taken);
    assert_int_equal(dial_until_done("127.0.0.1", port, &fd, &fault), TH_E_TCP);
    snprintf(sentence, sizeof sentence, "connection refused by 127.0.0.1:%u: nothing listens "
             "there; check host and port", port);
    assert_string_equal(fault.text, sentence);
    assert_int_equal(fault.code, TH_E_TCP);
    assert_int_equal(fault.sys_errno, ECONNREFUSED);
    th_net_hang_up(fd);
    close(taken);
}

static void a_refusal_does_not_hide_the_first_fault(void **state)
{
    (void)state;
    struct th_fault fault = {.code = TH_E_LOOKUP, .text = "first"};
    int fd, taken = bind_to("127.0.0.1", 0, SOCK_STREAM);
    assert_int_equal(dial_until_done("127.0.0.1", port_of(taken), &fd, &fault), TH_E_TCP);
    assert_string_equal(fault.text, "first");
    assert_int_equal(fault.sys_errno, 0);
    th_net_hang_up(fd);
    close(taken);
}

static void tells_that_there_is_no_way(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    struct th_net_address broadcast = address_of("255.255.255.255");
    assert_int_equal(th_net_dial(&broadcast, 1, &plain, &fault), TH_E_TCP);
    assert_non_null(strstr(fault.text, "connecting to 255.255.255.255:1 failed: "));
    assert_true(fault.sys_errno > 0);
}

static void a_dial_that_is_under_way_waits(void **state)
{
    (void)state;
    struct th_net_address address = address_of("127.0.0.1");
    int listener = bind_to("127.0.0.1", 0, SOCK_STREAM), dialed[8];
    uint16_t port = port_of(listener);
    assert_int_equal(listen(listener, 0), 0);
    /* Nobody accepts: after the first the kernel leaves them hanging. */
    for (size_t i = 0; i < COUNT_OF(dialed); i++)
        dialed[i] = th_net_dial(&address, port, &plain, NULL);
    assert_int_equal(th_net_dialed(dialed[COUNT_OF(dialed) - 1], &address, port, NULL),
                     TH_WANT_WRITE);
    for (size_t i = 0; i < COUNT_OF(dialed); i++)
        th_net_hang_up(dialed[i]);
    close(listener);
}

static void a_connection_to_itself_counts_as_refused(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    struct th_net_address address = address_of("127.0.0.1");
    struct sockaddr_storage here;
    int fd = bind_to("127.0.0.1", 0, SOCK_STREAM);
    uint16_t port = port_of(fd);
    socklen_t bytes = th_net_sockaddr(&address, port, &here);
    assert_int_equal(connect(fd, (struct sockaddr *)&here, bytes), 0);
    assert_int_equal(th_net_dialed(fd, &address, port, &fault), TH_E_TCP);
    assert_int_equal(fault.sys_errno, ECONNREFUSED);
    close(fd);
}

static void applies_its_options(void **state)
{
    (void)state;
    static const struct th_net_options options = {
        .receive_buffer_bytes = 8192,
        .send_buffer_bytes = 16384,
        .user_timeout_ms = 30000,
        .keepalive_s = 77,
        .nodelay = true,
    };
    struct th_net_address address = address_of("127.0.0.1");
    int listener = listen_on("127.0.0.1");
    int fd = th_net_dial(&address, port_of(listener), &options, NULL);
    assert_true(fd >= 0);
    struct th_net_kernel_bytes kernel = th_net_kernel_bytes(fd);
    assert_int_equal(kernel.receive, 2 * 8192);
    assert_int_equal(kernel.send, 2 * 16384);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    th_net_hang_up(fd);
    close(listener);
}

/* Runs `check` in a child, where it may spoil descriptors and limits. */
static void in_a_child(int (*check)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(check());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static uint16_t peer_of(int fd, char text[INET_ADDRSTRLEN])
{
    struct sockaddr_in peer;
    socklen_t bytes = sizeof peer;
    assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &bytes), 0);
    inet_ntop(AF_INET, &peer.sin_addr, text, INET_ADDRSTRLEN);
    return ntohs(peer.sin_port);
}

static void leaves_from_the_address_it_is_bound_to(void **state)
{
    (void)state;
    struct th_net_address address = address_of("127.0.0.1"), ours = address_of("127.0.0.9");
    struct th_net_options options = {.bind = &ours};
    char text[INET_ADDRSTRLEN];
    int listener = listen_on("127.0.0.1");
    int fd = th_net_dial(&address, port_of(listener), &options, NULL);
    int accepted = accept(listener, NULL, NULL);
    assert_true(peer_of(accepted, text) > 0);
    assert_string_equal(text, "127.0.0.9");
    th_net_hang_up(fd);
    close(accepted);
    close(listener);
}

static void refused(const struct th_net_options *options, int cause, const char *sentence)
{
    struct th_fault fault = {0};
    struct th_net_address address = address_of("127.0.0.1");
    assert_int_equal(th_net_dial(&address, 1, options, &fault), TH_E_ARGUMENT);
    assert_int_equal(fault.sys_errno, cause);
    if (!strstr(fault.text, sentence))
        fail_msg("%s", fault.text);
}

static void a_road_that_cannot_be_taken_is_named(void **state)
{
    (void)state;
    struct th_net_address elsewhere = address_of("192.0.2.7");
    struct th_net_options bound = {.bind = &elsewhere};
    struct th_net_options through = {.interface = "none7"};
    refused(&bound, EADDRNOTAVAIL, "binding to 192.0.2.7 failed; it must be an address of this");
    refused(&through, ENODEV, "binding to interface none7 failed; it must exist");
}

static int dial_with_a_mark(void)
{
    struct th_fault fault = {0};
    struct th_net_address address = address_of("127.0.0.1");
    struct th_net_options options = {.mark = 7};
    if (getuid() == 0 && setuid(65534) != 0)
        return 1;
    return !(th_net_dial(&address, 1, &options, &fault) == TH_E_ARGUMENT
             && fault.sys_errno == EPERM && strstr(fault.text, "it needs CAP_NET_ADMIN"));
}

static void a_mark_needs_a_privilege(void **state)
{
    (void)state;
    in_a_child(dial_with_a_mark);
}

static int listen_at_path(const char *path)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(here.sun_path, path);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void connects_over_a_unix_socket(void **state)
{
    (void)state;
    char path[TH_NET_UNIX_PATH_BYTES];
    struct th_net_address any = {0};
    snprintf(path, sizeof path, "/tmp/th_socket_%0*d", (int)sizeof path - 16, getpid());
    int listener = listen_at_path(path);
    int fd = th_net_dial_unix(path, &plain, NULL);
    assert_true(fd >= 0);
    assert_int_equal(th_net_dialed(fd, &any, 0, NULL), 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    th_net_hang_up(fd);
    close(listener);
    unlink(path);
}

static void tells_which_unix_socket_is_not_there(void **state)
{
    (void)state;
    struct th_fault fault = {0};
    assert_int_equal(th_net_dial_unix("/tmp/th/none", &plain, &fault), TH_E_TCP);
    assert_string_equal(fault.text, "connecting to /tmp/th/none failed: No such file or directory");
}

static int dial_without_stdio(void)
{
    struct th_net_address address;
    th_net_address_parse(&address, "127.0.0.1");
    close(0);
    close(2);
    int tcp = th_net_dial(&address, 1, &plain, NULL), udp = th_net_dial_udp(&address, 53);
    bool lifted = tcp > 2 && udp > 2 && fcntl(tcp, F_GETFD) & FD_CLOEXEC;
    bool left_free = fcntl(0, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
    return !(lifted && left_free);
}

static void never_takes_a_descriptor_of_stdio(void **state)
{
    (void)state;
    in_a_child(dial_without_stdio);
}

static int dial_without_descriptors(void)
{
    struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    struct th_fault fault = {0};
    struct th_net_address address;
    th_net_address_parse(&address, "127.0.0.1");
    setrlimit(RLIMIT_NOFILE, &none);
    bool failed = th_net_dial(&address, 1, &plain, &fault) == TH_E_SYSTEM;
    return !(failed && fault.sys_errno == EMFILE && th_net_dial_udp(&address, 53) == -1);
}

static void tells_that_there_is_no_descriptor(void **state)
{
    (void)state;
    in_a_child(dial_without_descriptors);
}

static void hanging_up_leaves_stdio_alone(void **state)
{
    (void)state;
    for (int fd = -1; fd < 3; fd++)
        th_net_hang_up(fd);
    assert_true(fcntl(1, F_GETFD) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_over_ipv4),
        cmocka_unit_test(connects_over_ipv6),
        cmocka_unit_test(connects_although_nobody_tells_from_where),
        cmocka_unit_test(tells_who_refused),
        cmocka_unit_test(a_refusal_does_not_hide_the_first_fault),
        cmocka_unit_test(tells_that_there_is_no_way),
        cmocka_unit_test(a_dial_that_is_under_way_waits),
        cmocka_unit_test(a_connection_to_itself_counts_as_refused),
        cmocka_unit_test(applies_its_options),
        cmocka_unit_test(leaves_from_the_address_it_is_bound_to),
        cmocka_unit_test(a_road_that_cannot_be_taken_is_named),
        cmocka_unit_test(a_mark_needs_a_privilege),
        cmocka_unit_test(connects_over_a_unix_socket),
        cmocka_unit_test(tells_which_unix_socket_is_not_there),
        cmocka_unit_test(never_takes_a_descriptor_of_stdio),
        cmocka_unit_test(tells_that_there_is_no_descriptor),
        cmocka_unit_test(hanging_up_leaves_stdio_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
