#include "cli/mem.h"

#include "base/text.h"
#include "cli/exit.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "report/image.h"

static struct {
    const char *row;
    const char *between;
    const char *text; /* between two rows; nothing before the first */
} own;

static const char *kind_name(enum th_image_kind kind)
{
    return th_text_nth("code\0" "constants\0" "variables\0" "thread", kind);
}

static void row(const char *name, uint32_t bytes, const char *what)
{
    th_cli_out_text(own.text);
    th_cli_out_format(own.row, name, bytes, what);
    own.text = own.between;
}

static void tell(const char *name, enum th_image_kind kind, uint32_t bytes)
{
    row(name, bytes, kind_name(kind));
}

/* What lies in segments but in no section: headers of the file, and alignment. */
static void tell_totals(const struct th_image *image)
{
    uint32_t between_bytes = image->memory_bytes;
    for (enum th_image_kind kind = 0; kind < TH_IMAGE_THREAD; kind++) {
        row(kind_name(kind), image->kind_bytes[kind], "total");
        between_bytes -= image->kind_bytes[kind];
    }
    row("between", between_bytes, "total");
    row("memory", image->memory_bytes, "total");
    row("file", image->file_bytes, "total");
}

int th_cli_mem_static(char *words[], bool as_json)
{
    (void)words;
    struct th_image image;
    own.row = as_json ? "\"%s\": {\"bytes\": %u, \"kind\": \"%s\"}" : "%-15s%9u  %s\n";
    own.between = as_json ? ",\n  " : "";
    own.text = as_json ? "{\n  " : "Section            bytes  kind\n";
    if (th_image_read(&image, tell) < 0) {
        th_cli_complain("mem static: /proc/self/exe cannot be read");
        return TH_CLI_SYSTEM;
    }
    tell_totals(&image);
    th_cli_out_text(as_json ? "\n}\n" : "");
    return th_cli_printed();
}
