/* A complete program: TLS without MQTT. Sends one line, prints the line that comes back, leaves.
 *
 *     cc example_tls.c $(pkg-config --cflags --libs thimble) -o example_tls
 *     ./example_tls localhost 4433 ca.pem client.pem client.key
 *
 * A server to try it with, in the folder of its certificates (after `make lab`: build/lab/ec):
 *
 *     openssl s_server -rev -accept 4433 -cert server.pem -cert_chain server.pem -key server.key
 */
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <thimble.h>

/* Every byte the library will use. */
static alignas(16) unsigned char context_block[64 * 1024];
static alignas(16) unsigned char stream_block[128 * 1024];

static struct th_tls *stream;

/* Whether to call again with the same arguments: then it is worth it. */
static bool again(int result)
{
    if (result != TH_WANT_READ && result != TH_WANT_WRITE)
        return false;
    struct pollfd awaited = {.fd = th_tls_fd(stream), .events = th_tls_poll_events(stream)};
    poll(&awaited, 1, th_tls_wait_ms(stream));
    return true;
}

static int complain(const struct th_fault *fault)
{
    fprintf(stderr, "%s while %s: %s\n", th_error_name(fault->code), th_phase_name(fault->phase),
            fault->text);
    return EXIT_FAILURE;
}

static int send_all(const char *text, size_t bytes)
{
    int taken = 0;
    while (bytes && (taken >= 0 || again(taken))) {
        taken = th_tls_write(stream, text, bytes);
        text += taken > 0 ? taken : 0;
        bytes -= taken > 0 ? (size_t)taken : 0;
    }
    return taken;
}

static int print_line(void)
{
    char byte = 0;
    int got = 0;
    while (byte != '\n' && (got >= 0 || again(got)))
        if ((got = th_tls_read(stream, &byte, 1)) == 1)
            putchar(byte);
    return got;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return fprintf(stderr, "usage: example_tls HOST PORT CA CERT KEY\n"), EXIT_FAILURE;

    struct th_fault fault;
    struct th_context *context;
    const struct th_context_config trust = {
        .roots.path = argv[3], .certificate.path = argv[4], .key.path = argv[5]};
    if (th_context_open(&context, context_block, sizeof context_block, &trust, &fault) < 0)
        return complain(&fault);

    const struct th_tls_config config = {.host = argv[1], .port = (uint16_t)atoi(argv[2])};
    int result;
    do
        result = th_tls_connect(&stream, stream_block, sizeof stream_block, context, &config,
                                &fault);
    while (stream && again(result));
    if (result < 0)
        return complain(&fault);

    int status = EXIT_SUCCESS;
    if (send_all("thimble\n", 8) < 0 || print_line() < 0)
        status = complain(th_tls_fault(stream));
    th_tls_close(stream);
    th_context_close(context);
    return status;
}
