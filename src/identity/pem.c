#include "identity/pem.h"

#include "base/der.h"
#include "base/err.h"
#include "base/file.h"
#include "crypt/base64.h"
#include "crypt/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_BYTES 512
#define LINE_BYTES 128    /* a longer line comes in pieces */
#define GROUP_CHARACTERS 64
#define UNPRINTABLE '\x01'

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

struct reader {
    const struct th_source *source;
    const char *what;
    const struct th_pem_sink *sink;
    struct th_der *der;
    struct th_fault *fault;
    struct th_pem_place place; /* of the block being read */

    int fd;                    /* -1: the source is memory */
    size_t taken_bytes;        /* of the source */
    uint8_t text[TEXT_BYTES];
    size_t text_bytes;
    size_t text_at;

    char line[LINE_BYTES + 1]; /* the piece of a line at hand, without its end */
    bool line_starts;          /* it is the first piece of its line */
    bool line_ended;           /* the piece before was the last of its line */
    unsigned line_number;

    bool inside;               /* a block */
    bool in_header;            /* a line "Name: value" inside a block */
    bool padded;               /* '=' was seen: nothing may follow */
    enum th_pem_kind kind;
    char label[40];
    size_t block_at;           /* where the block begins in `der` */
    char group[GROUP_CHARACTERS];
    size_t group_characters;
    int blocks;
};

/* ---- sentences ------------------------------------------------------------------------------- */

static int complain(struct reader *reader, unsigned line, const char *problem)
{
    return th_fault_set(reader->fault, TH_E_FILE, "%s: %s, line %u: %s", reader->what,
                        reader->place.name, line, problem);
}

static int complain_whole(struct reader *reader, const char *problem)
{
    return th_fault_set(reader->fault, TH_E_FILE, "%s: %s: %s", reader->what, reader->place.name,
                        problem);
}

static int complain_errno(struct reader *reader, const char *doing)
{
    return th_fault_set_errno(reader->fault, TH_E_FILE, "%s: cannot %s %s", reader->what, doing,
                              reader->place.name);
}

static int complain_room(struct reader *reader, int error)
{
    if (error == TH_E_MEMORY)
        return th_fault_set(reader->fault, TH_E_MEMORY,
                            "%s: %s: no memory for the block of line %u; enlarge the shared heap",
                            reader->what, reader->place.name, reader->place.line);
    return complain_whole(reader, "more than 65,536 bytes of DER; split or shorten the file");
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int open_file(struct reader *reader)
{
    struct stat about;
    reader->fd = th_file_open(reader->place.name, O_RDONLY | O_NOCTTY, 0);
    if (reader->fd < 0)
        return complain_errno(reader, "open");
    if (fstat(reader->fd, &about) == 0 && S_ISDIR(about.st_mode))
        return complain_whole(reader, "is a directory; name a file");
    return 0;
}

static int open_source(struct reader *reader)
{
    reader->place.name = reader->source->path ? reader->source->path : "(memory)";
    return reader->source->bytes.data ? 0 : open_file(reader);
}

static ssize_t read_file(struct reader *reader)
{
    ssize_t got;
    do
        got = read(reader->fd, reader->text, sizeof reader->text);
    while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t read_memory(struct reader *reader)
{
    struct th_slice bytes = reader->source->bytes;
    size_t left = bytes.len_bytes - reader->taken_bytes;
    size_t got = left < sizeof reader->text ? left : sizeof reader->text;
    if (got)
        memcpy(reader->text, bytes.data + reader->taken_bytes, got);
    return (ssize_t)got;
}

/* 1: there are bytes at hand; 0: the source has ended. */
static int refill(struct reader *reader)
{
    if (reader->text_at < reader->text_bytes)
        return 1;
    ssize_t got = reader->fd >= 0 ? read_file(reader) : read_memory(reader);
    if (got < 0)
        return complain_errno(reader, "read");
    reader->taken_bytes += (size_t)got;
    if (reader->taken_bytes > TH_PEM_SOURCE_MAX_BYTES)
        return complain_whole(reader, "is larger than 1 MiB; it is no certificate or key file");
    reader->text_bytes = (size_t)got;
    reader->text_at = 0;
    return got > 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void begin_piece(struct reader *reader)
{
    reader->line_starts = reader->line_ended;
    reader->line_ended = false;
    reader->line_number += reader->line_starts;
}

static void end_piece(struct reader *reader, size_t bytes)
{
    if (bytes > 0 && reader->line[bytes - 1] == '\r')
        bytes--;
    reader->line[bytes] = '\0';
}

/* 1: `line` holds the next piece; 0: the end. A NUL byte becomes another one that is no base64. */
static int next_piece(struct reader *reader)
{
    size_t bytes = 0;
    int more = refill(reader);
    if (more <= 0)
        return more;
    begin_piece(reader);
    while (more > 0 && bytes < LINE_BYTES && !reader->line_ended) {
        char c = (char)reader->text[reader->text_at++];
        reader->line_ended = c == '\n';
        if (!reader->line_ended)
            reader->line[bytes++] = c ? c : UNPRINTABLE;
        more = refill(reader);
    }
    end_piece(reader, bytes);
    return more < 0 ? more : 1;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *without_byte_order_mark(const struct reader *reader)
{
    bool first = reader->line_number == 1 && starts_with(reader->line, "\xEF\xBB\xBF");
    return reader->line + (first ? 3 : 0);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    enum th_pem_kind kind;
} labels[] = {
    {"CERTIFICATE", TH_PEM_CERTIFICATE},
    {"X509 CERTIFICATE", TH_PEM_CERTIFICATE},
    {"PRIVATE KEY", TH_PEM_PKCS8_KEY},
    {"EC PRIVATE KEY", TH_PEM_SEC1_KEY},
    {"RSA PRIVATE KEY", TH_PEM_PKCS1_KEY},
    {"ENCRYPTED PRIVATE KEY", TH_PEM_SEALED_KEY},
    {"X509 CRL", TH_PEM_CRL},
};

static enum th_pem_kind kind_of(const char *label)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(label, labels[i].label) == 0)
            return labels[i].kind;
    return TH_PEM_OTHER;
}

static bool is_decoded(enum th_pem_kind kind)
{
    return kind != TH_PEM_OTHER && kind != TH_PEM_ENCRYPTED_KEY;
}

/* Copies "LABEL" of "-----BEGIN LABEL-----". False if the dashes are missing. */
static bool read_label(const char *text, char *label, size_t label_bytes)
{
    const char *end = strstr(text, DASHES);
    if (!end || (size_t)(end - text) >= label_bytes)
        return false;
    memcpy(label, text, (size_t)(end - text));
    label[end - text] = '\0';
    return end[strlen(DASHES) + strspn(end + strlen(DASHES), " \t")] == '\0';
}

static int begin_block(struct reader *reader, const char *label)
{
    if (!read_label(label, reader->label, sizeof reader->label))
        return complain(reader, reader->line_number,
                        "this BEGIN line is damaged; copy the file again");
    reader->kind = kind_of(reader->label);
    reader->place.line = reader->line_number;
    reader->block_at = reader->der->used_bytes;
    reader->inside = true;
    reader->padded = false;
    reader->group_characters = 0;
    return 0;
}

static int read_outside(struct reader *reader)
{
    const char *line = without_byte_order_mark(reader);
    if (reader->line_starts && starts_with(line, BEGIN))
        return begin_block(reader, line + strlen(BEGIN));
    return 0;
}

static int hand_over(struct reader *reader)
{
    struct th_slice block = th_der_from(reader->der, reader->block_at);
    int verdict = reader->sink->block(reader->sink->arg, reader->kind, block, &reader->place,
                                      reader->fault);
    if (verdict == TH_PEM_DROP)
        th_der_cut(reader->der, reader->block_at);
    reader->blocks++;
    return verdict < 0 ? verdict : 0;
}

static int complain_base64(struct reader *reader)
{
    return complain(reader, reader->line_number, "this is not base64; copy the file again");
}

static int drain(struct reader *reader)
{
    bool is_list = reader->kind == TH_PEM_CRL || reader->kind == TH_PEM_DER;
    if (!is_list || !reader->sink->drain)
        return 0;
    return reader->sink->drain(reader->sink->arg, reader->der, reader->fault);
}

static int decode_group(struct reader *reader)
{
    uint8_t bytes[GROUP_CHARACTERS / 4 * 3];
    size_t count = sizeof bytes;
    int result = th_crypt_base64_decode((const uint8_t *)reader->group, reader->group_characters,
                                        bytes, &count);
    if (result == 0)
        result = th_der_append(reader->der, bytes, count);
    th_crypt_wipe(bytes, sizeof bytes);
    reader->group_characters = 0;
    if (result == TH_E_ARGUMENT)
        return complain_base64(reader);
    return result < 0 ? complain_room(reader, result) : drain(reader);
}

static bool fits_base64(struct reader *reader, char c)
{
    if (reader->padded && c != '=')
        return false;
    reader->padded = c == '=';
    return c != '-';
}

static int take_character(struct reader *reader, char c)
{
    if (c == ' ' || c == '\t' || c == '\r')
        return 0;
    if (!fits_base64(reader, c))
        return complain_base64(reader);
    reader->group[reader->group_characters++] = c;
    return reader->group_characters == GROUP_CHARACTERS ? decode_group(reader) : 0;
}

static int take_characters(struct reader *reader)
{
    int result = 0;
    for (const char *at = reader->line; result == 0 && *at; at++)
        result = take_character(reader, *at);
    return result;
}

static int decode_rest(struct reader *reader)
{
    if (reader->group_characters % 4 != 0)
        return complain_base64(reader);
    return reader->group_characters > 0 ? decode_group(reader) : 0;
}

static int end_block(struct reader *reader, const char *label)
{
    char ended[sizeof reader->label];
    if (!read_label(label, ended, sizeof ended) || strcmp(ended, reader->label) != 0)
        return complain(reader, reader->line_number,
                        "this END line does not match its BEGIN line; copy the file again");
    int result = decode_rest(reader);
    reader->inside = false;
    return result < 0 ? result : hand_over(reader);
}

/* RFC 1421 headers; "Proc-Type: 4,ENCRYPTED" is OpenSSL's traditional encryption. */
static void read_header(struct reader *reader)
{
    if (strstr(reader->line, "ENCRYPTED"))
        reader->kind = TH_PEM_ENCRYPTED_KEY;
}

/* Headers come before the first byte of the block. */
static bool is_untouched(const struct reader *reader)
{
    return reader->group_characters == 0 && reader->der->used_bytes == reader->block_at;
}

static int read_inside(struct reader *reader)
{
    if (reader->line_starts && starts_with(reader->line, END))
        return end_block(reader, reader->line + strlen(END));
    if (reader->line_starts && starts_with(reader->line, BEGIN))
        return complain(reader, reader->place.line,
                        "this block has no END line; copy the file again");
    if (reader->line_starts)
        reader->in_header = strchr(reader->line, ':') && is_untouched(reader);
    if (reader->in_header)
        read_header(reader);
    else if (is_decoded(reader->kind))
        return take_characters(reader);
    return 0;
}

static int read_pem(struct reader *reader)
{
    int result = 0;
    int more = 0;
    while (result == 0 && (more = next_piece(reader)) > 0)
        result = reader->inside ? read_inside(reader) : read_outside(reader);
    if (result == 0 && more == 0 && reader->inside)
        result = complain(reader, reader->place.line,
                          "this block has no END line; the file is cut off");
    return result < 0 ? result : more;
}

/* ---- DER ------------------------------------------------------------------------------------- */

/* A SEQUENCE whose length is long, or is short and begins with a number: no text looks like it. */
static bool looks_like_der(const struct reader *reader)
{
    const uint8_t *text = reader->text;
    return reader->text_bytes > 2 && text[0] == 0x30 && (text[1] >= 0x80 || text[2] == 0x02);
}

static int append_all(struct reader *reader)
{
    int result = 0;
    int more;
    while (result == 0 && (more = refill(reader)) > 0) {
        result = th_der_append(reader->der, reader->text, reader->text_bytes);
        if (result < 0)
            return complain_room(reader, result);
        reader->text_at = reader->text_bytes;
        result = drain(reader);
    }
    return result < 0 ? result : more;
}

static int read_der(struct reader *reader)
{
    reader->kind = TH_PEM_DER;
    reader->place.line = 1;
    reader->block_at = reader->der->used_bytes;
    int result = append_all(reader);
    if (result < 0)
        return result;
    struct th_slice value = th_der_from(reader->der, reader->block_at);
    if (!reader->sink->drain && th_der_sequence_bytes(value) != value.len_bytes)
        return complain_whole(reader, "is DER, but cut off or with bytes behind its end; "
                                      "copy the file again");
    return hand_over(reader);
}

/* ---------------------------------------------------------------------------------------------- */

static int read_source(struct reader *reader)
{
    int result = open_source(reader);
    if (result == 0)
        result = refill(reader);
    if (result == 0)
        return complain_whole(reader, "is empty");
    if (result > 0)
        result = looks_like_der(reader) ? read_der(reader) : read_pem(reader);
    return result < 0 ? result : reader->blocks;
}

static void close_reader(struct reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    th_crypt_wipe(reader, sizeof *reader);
}

int th_pem_read(const struct th_source *source, const char *what, const struct th_pem_sink *sink,
                struct th_der *der, struct th_fault *fault)
{
    struct reader reader = {
        .source = source, .what = what, .sink = sink, .der = der, .fault = fault,
        .fd = -1, .line_ended = true,
    };
    int result = read_source(&reader);
    close_reader(&reader);
    return result;
}
