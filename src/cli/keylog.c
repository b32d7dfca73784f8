#include "cli/keylog.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "cli/say.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int file = -1;

int th_cli_keylog_open(const char *path, struct th_fault *fault)
{
    file = th_file_open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (file < 0)
        return th_fault_set_errno(fault, TH_E_FILE, "cannot write %s", path);
    th_cli_warn("whoever can read %s can read this connection", path);
    return 0;
}

/* The longest line, CLIENT_TRAFFIC_SECRET_0 with SHA-384, has 180 bytes. One write(2) each, so that
 * several programs can share the file. */
void th_cli_keylog_line(void *arg, const char *line)
{
    char text[256];
    (void)arg;
    int used = th_format(text, sizeof text, "%s\n", line);
    ssize_t written = used < (int)sizeof text ? write(file, text, (size_t)used) : 0;
    (void)written; /* the connection is worth more than its trace */
    explicit_bzero(text, sizeof text);
}

void th_cli_keylog_close(void)
{
    if (file >= 0)
        close(file);
    file = -1;
}
