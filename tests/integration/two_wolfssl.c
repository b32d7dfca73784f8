/* A program that links libthimble.a and another wolfSSL, with an allocator and a random source of
 * its own, and uses both in turns. Prints who has shaken hands.
 *
 *     two_wolfssl PORT CA CERT KEY
 */
#include <thimble.h>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/random.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- theirs ---------------------------------------------------------------------------------- */

/* Their wolfSSL is built like ours, seams for stapling included, and they have none. */
int th_tls_staple_write(unsigned char *out)
{
    (void)out;
    return 0;
}

int th_tls_staple_read(WOLFSSL *ssl, const byte *input, word32 *at, word32 bytes)
{
    (void)ssl, (void)input;
    *at += bytes;
    return 0;
}

static size_t their_allocations;

void *XMALLOC(size_t bytes, void *heap, int type)
{
    (void)heap, (void)type;
    their_allocations++;
    return malloc(bytes);
}

void *XREALLOC(void *block, size_t bytes, void *heap, int type)
{
    (void)heap, (void)type;
    return realloc(block, bytes);
}

void XFREE(void *block, void *heap, int type)
{
    (void)heap, (void)type;
    free(block);
}

static int seed(OS_Seed *os, byte *bytes, word32 count)
{
    (void)os;
    return getrandom(bytes, count, 0) == (ssize_t)count ? 0 : -1;
}

static int receive(WOLFSSL *ssl, char *buffer, int bytes, void *fd)
{
    (void)ssl;
    ssize_t got = recv(*(int *)fd, buffer, (size_t)bytes, 0);
    return got > 0 ? (int)got : WOLFSSL_CBIO_ERR_GENERAL;
}

static int transmit(WOLFSSL *ssl, char *data, int bytes, void *fd)
{
    (void)ssl;
    return (int)send(*(int *)fd, data, (size_t)bytes, MSG_NOSIGNAL);
}

static WOLFSSL_CTX *open_theirs(void)
{
    wolfSSL_Init();
    wc_SetSeed_Cb(seed);
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    wolfSSL_CTX_SetIORecv(ctx, receive);
    wolfSSL_CTX_SetIOSend(ctx, transmit);
    return ctx;
}

static void shake_theirs(WOLFSSL_CTX *ctx, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        perror("connect");
    WOLFSSL *ssl = wolfSSL_new(ctx);
    wolfSSL_SetIOReadCtx(ssl, &fd);
    wolfSSL_SetIOWriteCtx(ssl, &fd);
    size_t before = their_allocations;
    int result = wolfSSL_connect(ssl);
    if (result == WOLFSSL_SUCCESS && their_allocations > before)
        fputs("theirs", stdout);
    else
        fprintf(stderr, "their handshake failed: %d\n", wolfSSL_get_error(ssl, result));
    wolfSSL_free(ssl);
    close(fd);
}

/* ---- ours ------------------------------------------------------------------------------------ */

static _Alignas(16) unsigned char context_block[64 * 1024], client_block[128 * 1024];

static struct th_client *client;

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        th_disconnect(client, 0, NULL);
}

static void shake_ours(char **words)
{
    struct th_fault fault;
    struct th_context *context;
    const struct th_context_config trust = {
        .roots.path = words[2], .certificate.path = words[3], .key.path = words[4]};
    const struct th_config config = {.host = "localhost", .port = (uint16_t)atoi(words[1]),
                                     .clean_start = true, .on_event = on_event};
    size_t before = their_allocations;
    if (th_context_open(&context, context_block, sizeof context_block, &trust, &fault) < 0 ||
        th_open(&client, client_block, sizeof client_block, context, &config, &fault) < 0) {
        fprintf(stderr, "%s\n", fault.text);
        return;
    }
    int result = th_connect(client);
    while (result >= 0)
        result = th_run(client, -1);
    if (th_fault(client)->code || their_allocations > before)
        fprintf(stderr, "our handshake failed: %s\n", th_fault(client)->text);
    else
        fputs(" ours ", stdout);
    th_close(client);
    th_context_close(context);
}

int main(int count, char **words)
{
    if (count != 5)
        return 2;
    WOLFSSL_CTX *theirs = open_theirs();
    shake_theirs(theirs, atoi(words[1]));
    shake_ours(words);
    shake_theirs(theirs, atoi(words[1]));
    puts("");
    wolfSSL_CTX_free(theirs);
    wolfSSL_Cleanup();
    return 0;
}
