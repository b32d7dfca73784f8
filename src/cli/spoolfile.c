#include "cli/spoolfile.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static int open_in(const char *directory)
{
    return directory ? open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
}

int th_cli_spoolfile_open(void)
{
    const char *const directories[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < sizeof directories / sizeof *directories; i++)
        fd = open_in(directories[i]);
    return fd;
}

bool th_cli_spoolfile_write(int fd, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    while (bytes > 0) {
        ssize_t written = write(fd, at, bytes);
        if (written < 0)
            return false;
        at += written;
        bytes -= (size_t)written;
    }
    return true;
}
