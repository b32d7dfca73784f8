#include "cli/command.h"

#include "cli/misfit.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "gen/roots.h"
#include "gen/version.h"

static void line(const char *name, const char *text)
{
    th_cli_out_format("%-20s", name);
    th_cli_out_text(text);
    th_cli_out_text("\n");
}

static void bytes(const char *name, size_t number)
{
    th_cli_out_format("%-20s%zu\n", name, number);
}

static void sizes(void)
{
    bytes("connections", TH_CONNECTIONS);
    bytes("tcp_cell_bytes", TH_TCP_CELL_BYTES);
    bytes("record_cell_bytes", TH_RECORD_CELL_BYTES);
    bytes("window_bytes", TH_PACKET_WINDOW_BYTES);
    bytes("outbox_bytes", TH_OUTBOX_BYTES);
    bytes("tls_heap_bytes", TH_TLS_HEAP_BYTES);
    bytes("shared_heap_bytes", TH_SHARED_HEAP_BYTES);
    bytes("process_heap_bytes", TH_PROCESS_HEAP_BYTES);
    bytes("stack_bytes", TH_STACK_BYTES);
    bytes("socket_buffer_bytes", TH_SOCKET_BUFFER_BYTES);
    bytes("connection_bytes", th_need_bytes());
    bytes("context_bytes", th_context_need_bytes());
}

int th_cli_version(int argc, char *argv[])
{
    if (argc > 0)
        return th_cli_misfit(argv[0], "version");
    line("thimble", TH_VERSION);
    line("commit", TH_BUILD_COMMIT);
    line("compiler", TH_BUILD_CC);
    line("wolfssl", TH_BUILD_WOLFSSL);
    line("wolfssl_origin", TH_BUILD_WOLFSSL_ORIGIN);
    line("cjson_origin", TH_BUILD_CJSON_ORIGIN);
    line("profile", TH_BUILD_PROFILE);
    if (*TH_BUILD_LACKS)
        line("lacks", TH_BUILD_LACKS);
    if (TH_ROOTS_COUNT > 0)
        line("embedded_roots", TH_ROOTS_TEXT);
    sizes();
    if (*TH_BUILD_WOLFSSL_SETTINGS)
        line("wolfssl_settings", TH_BUILD_WOLFSSL_SETTINGS);
    line("licence", "MIT; linked with wolfSSL, the program as a whole is under wolfSSL's GPL");
    return th_cli_printed();
}
