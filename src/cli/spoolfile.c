#include "cli/spoolfile.h"

#include "base/file.h"

#include <fcntl.h>
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
    return th_file_write(fd, data, bytes) == 0;
}
