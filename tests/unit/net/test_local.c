/* Programs of this machine: the port is of 127.0.0.1 only, and the kernel says who comes. */
#include "loopback.h"

#include "net/local.h"
#include "net/unix.h"

#include <errno.h>
#include <unistd.h>

static struct th_fault fault;

static int dial(const char *address, uint16_t port)
{
    struct sockaddr_storage there;
    struct th_net_address parsed = address_of(address);
    socklen_t bytes = th_net_sockaddr(&parsed, port, &there);
    int fd = socket(parsed.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&there, bytes) == 0)
        return fd;
    close(fd);
    return -1;
}

static uint16_t free_port(void)
{
    int fd = bind_to("127.0.0.1", 0, SOCK_STREAM);
    uint16_t port = port_of(fd);
    close(fd);
    return port;
}

static int await_program(int listening)
{
    struct pollfd awaited = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&awaited, 1, 30000), 1);
    return th_net_unix_accept(listening);
}

static void test_a_program_comes_through_the_port(void **state)
{
    (void)state;
    char byte = 'x';
    uint16_t port = free_port();
    int listening = th_net_local_listen(port, &fault);
    int program = dial("127.0.0.1", port);
    int fd = await_program(listening);
    assert_true(listening > 2 && program >= 0 && fd > 2);
    assert_int_equal(th_net_read(fd, &byte, 1, NULL), TH_WANT_READ);
    assert_int_equal(th_net_unix_accept(listening), TH_WANT_READ);
    th_net_hang_up(fd);
    th_net_hang_up(listening);
    close(program);
}

static void test_the_port_is_of_one_address(void **state)
{
    (void)state;
    uint16_t port = free_port();
    int listening = th_net_local_listen(port, &fault);
    assert_int_equal(dial("127.0.0.2", port), -1);
    th_net_hang_up(listening);
}

static void test_a_port_in_use_is_said(void **state)
{
    (void)state;
    uint16_t port = free_port();
    int listening = th_net_local_listen(port, &fault);
    memset(&fault, 0, sizeof fault);
    assert_int_equal(th_net_local_listen(port, &fault), TH_E_SYSTEM);
    assert_int_equal(fault.sys_errno, EADDRINUSE);
    th_net_hang_up(listening);
}

static void test_the_kernel_says_who_it_is(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(th_net_local_is_ours(pair[0]));
    close(pair[0]);
    close(pair[1]);
    assert_false(th_net_local_is_ours(pair[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_comes_through_the_port),
        cmocka_unit_test(test_the_port_is_of_one_address),
        cmocka_unit_test(test_a_port_in_use_is_said),
        cmocka_unit_test(test_the_kernel_says_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
