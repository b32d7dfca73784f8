#include "cli/watch.h"

#include "base/format.h"
#include "base/sum.h"
#include "cli/out.h"

/* Topics beyond these share the last line, as those beyond the terminal's last line do. */
#define LINES_MAX 256

static struct {
    uint32_t topics[LINES_MAX]; /* of each line: what its topic comes to */
    unsigned count;
} lines;

/* Two topics that come to the same share a line. */
static unsigned line_of(uint32_t sum)
{
    unsigned line = 0;
    while (line < lines.count && lines.topics[line] != sum)
        line++;
    if (line == LINES_MAX)
        return LINES_MAX - 1;
    lines.topics[line] = sum;
    lines.count += line == lines.count;
    return line;
}

static void go_to(unsigned line)
{
    char text[24];
    th_cli_out(text, (size_t)th_format(text, sizeof text, "\033[%u;1H", line + 1));
}

void th_cli_watch_open(void)
{
    lines.count = 0;
    th_cli_out_text("\033[2J");
}

void th_cli_watch_begin(struct th_slice topic)
{
    go_to(line_of(th_sum(TH_SUM_BEGIN, topic)));
    th_cli_out_text("\033[2K");
}

void th_cli_watch_close(void)
{
    go_to(lines.count);
}
