#include <thimble/key.h>

#include "base/format.h"
#include "base/slice.h"
#include "crypt/base64.h"
#include "crypt/wipe.h"

#define BYTES_PER_LINE 48

static int write_label(const struct th_text_sink *sink, const char *kind, const char *label)
{
    char line[64];
    int bytes = th_format(line, sizeof line, "-----%s %s-----\n", kind, label);
    return sink->write(sink->arg, line, (size_t)bytes);
}

static int write_line(const struct th_text_sink *sink, struct th_slice bytes)
{
    char line[TH_CRYPT_BASE64_TEXT_BYTES(BYTES_PER_LINE) + 2];
    size_t used = th_crypt_base64_encode(bytes.data, bytes.len_bytes, line);
    line[used] = '\n';
    int result = sink->write(sink->arg, line, used + 1);
    th_crypt_wipe(line, sizeof line);
    return result;
}

int th_armor(const struct th_text_sink *sink, const char *label, struct th_slice der)
{
    int result = write_label(sink, "BEGIN", label);
    while (result >= 0 && der.len_bytes > 0) {
        size_t bytes = der.len_bytes < BYTES_PER_LINE ? der.len_bytes : BYTES_PER_LINE;
        result = write_line(sink, th_slice_of(der.data, bytes));
        der = th_slice_after(der, bytes);
    }
    return result < 0 ? result : write_label(sink, "END", label);
}
