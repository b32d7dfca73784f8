#include "cli/keptfile.h"

#include "base/err.h"
#include "base/file.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <thimble/identity.h>
#include <unistd.h>

static int check_owner(int fd, const char *option, const char *path, struct th_fault *fault)
{
    struct stat about;
    bool known = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    if (known && about.st_uid == geteuid() && !(about.st_mode & 077))
        return fd;
    close(fd);
    return th_fault_because(fault, TH_BAD_PERMISSIONS,
                            th_fault_set(fault, TH_E_FILE, "--%s %s: must be a file that only its "
                                         "user can read; delete it, or chmod 600", option, path));
}

int th_cli_keptfile_open(const char *option, const char *path, struct th_fault *fault)
{
    int fd = th_file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    return fd < 0 ? th_fault_set_errno(fault, TH_E_FILE, "--%s %s", option, path)
                  : check_owner(fd, option, path, fault);
}
