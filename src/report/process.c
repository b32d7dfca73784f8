#include "report/image.h"
#include "report/report.h"

#include "base/text.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* Enough for the lines wanted, which are among the first twelve of about twenty-five. */
#define ROLLUP_BYTES 640

static uint32_t leading_number(const char *text)
{
    uint32_t number = 0;
    text += strspn(text, " ");
    while (th_is_digit(*text))
        number = number * 10 + (uint32_t)(*text++ - '0');
    return number;
}

/* "\nName:   123 kB" as bytes; 0 if there is no such line. */
static uint32_t field_bytes(const char *rollup, const char *name)
{
    const char *line = strstr(rollup, name);
    return line ? leading_number(line + strlen(name)) * 1024 : 0;
}

static size_t fill(int fd, char *text, size_t text_bytes)
{
    size_t used = 0;
    ssize_t got;
    while (used < text_bytes &&
           (got = pread(fd, text + used, text_bytes - used, (off_t)used)) > 0)
        used += (size_t)got;
    return used;
}

static int kept = -1;

static int open_rollup(void)
{
    return open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
}

void th_report_process_keep(void)
{
    kept = open_rollup();
}

static int read_rollup(char *rollup)
{
    int fd = kept < 0 ? open_rollup() : kept;
    if (fd < 0)
        return TH_E_SYSTEM;
    rollup[fill(fd, rollup, ROLLUP_BYTES - 1)] = '\0';
    if (fd != kept)
        close(fd);
    return TH_OK;
}

/* Code of a program file that is not on the disk yet counts as dirty, though nobody here wrote it:
 * what this process wrote is anonymous as well. */
static uint32_t private_dirty_bytes(const char *rollup)
{
    uint32_t dirty_bytes = field_bytes(rollup, "\nPrivate_Dirty:");
    uint32_t anonymous_bytes = field_bytes(rollup, "\nAnonymous:");
    return dirty_bytes < anonymous_bytes ? dirty_bytes : anonymous_bytes;
}

int th_report_process(struct th_report *report)
{
    char rollup[ROLLUP_BYTES];
    report->process.static_bytes = th_image_segments_bytes(PF_W);
    if (read_rollup(rollup) < 0)
        return TH_E_SYSTEM;
    report->process.rss_bytes = field_bytes(rollup, "\nRss:");
    report->process.private_dirty_bytes = private_dirty_bytes(rollup);
    return TH_OK;
}
