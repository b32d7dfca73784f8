/* A format and a message, with an end of line between them: whatever the format, a message that
 * comes in pieces prints the same as the one that comes whole. */
#include "base/slice.h"
#include "cli/format.h"
#include "cli/out.h"
#include "cli/print.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PRINTED_MAX (1 << 20)

static char whole[PRINTED_MAX], pieces[PRINTED_MAX];

static const uint8_t properties[] =
    "\x01\x01" "\x02\x00\x00\x0e\x10" "\x03\x00\x01t" "\x08\x00\x01r" "\x09\x00\x02\x00\xff"
    "\x0b\xac\x02" "\x23\x00\x07" "\x26\x00\x01n\x00\x01v" "\x26\x00\x00\x00\x00";

static int output(void)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("printed", 0);
        dup2(fd, STDOUT_FILENO);
    }
    return fd;
}

static void begin(const struct th_cli_settings *settings)
{
    if (ftruncate(output(), 0))
        abort();
    lseek(output(), 0, SEEK_SET);
    th_cli_print_open(settings);
}

static size_t end(char *printed)
{
    th_cli_print_close();
    ssize_t got = pread(output(), printed, PRINTED_MAX, 0);
    return got < 0 ? 0 : (size_t)got;
}

static void print_in_pieces(struct th_delivery message, size_t size)
{
    struct th_slice payload = message.payload;
    for (size_t at = 0; at < payload.len_bytes; at += size) {
        size_t left = payload.len_bytes - at;
        message.offset_bytes = at;
        message.payload = th_slice_of(payload.data + at, left < size ? left : size);
        th_cli_print(&message);
    }
}

/* Prints what another moment changes, or what cannot come in pieces. */
static bool varies(const char *format)
{
    struct th_cli_item item;
    int payloads = 0;
    bool timed = false;
    while (th_cli_format_next(&format, &item)) {
        payloads += th_cli_format_is_payload(&item);
        timed |= item.sigil == '@' || (item.sigil == '%' && strchr("IUjJ", item.kind));
    }
    return payloads > 1 || timed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char format[256];
    struct th_cli_problem problem;
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t length = line_end ? (size_t)(line_end - data) : size;
    if (length < 2 || length >= sizeof format)
        return 0;
    memcpy(format, data + 2, length - 2);
    format[length - 2] = '\0';
    if (!th_cli_format_check(format, &problem))
        return 0;
    struct th_cli_settings settings = {.format = data[0] & 1 ? NULL : format, .pretty = data[0] & 2,
                                       .jsonl = data[0] & 4, .verbose = data[0] & 8,
                                       .no_newline = data[0] & 16, .watch = data[0] & 32};
    struct th_delivery message = {.topic = th_slice_text("a/topic"), .qos = data[0] >> 7,
                                  .payload = th_slice_of(data + length, size - length),
                                  .total_bytes = size - length};
    if (data[0] & 64)
        message.properties.raw = th_slice_of(properties, sizeof properties - 1);
    begin(&settings);
    th_cli_print(&message);
    size_t whole_bytes = end(whole);
    begin(&settings);
    print_in_pieces(message, 1 + data[1] % 64);
    size_t pieces_bytes = end(pieces);
    bool same = whole_bytes == pieces_bytes && !memcmp(whole, pieces, whole_bytes);
    if (!same && !settings.jsonl && message.total_bytes && !(settings.format && varies(format)))
        abort();
    return 0;
}
