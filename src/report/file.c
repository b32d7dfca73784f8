#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"

#define PATH_BYTES 512
#define FILE_MODE 0644

static int write_all(void *fd, const char *text, size_t text_bytes)
{
    return th_file_write(*(int *)fd, text, text_bytes) < 0 ? TH_E_FILE : TH_OK;
}

static int blame(struct th_fault *fault, int result, const char *path)
{
    if (result == TH_E_FILE)
        return th_fault_set_errno(fault, result, "the memory report cannot be written to %s", path);
    if (result < 0)
        return th_fault_set(fault, result, "no memory to write the memory report");
    return TH_OK;
}

static int write_in_place(const struct th_report *report, const char *path)
{
    int fd = th_file_open(path, O_WRONLY | O_TRUNC, 0);
    if (fd < 0)
        return TH_E_FILE;
    int result = th_report_json(report, write_all, &fd);
    if (close(fd) < 0 && result >= 0)
        result = TH_E_FILE;
    return result;
}

static int write_new(const struct th_report *report, const char *path)
{
    int fd = th_file_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return TH_E_FILE;
    int result = th_report_json(report, write_all, &fd);
    if (result >= 0 && th_file_sync(fd) < 0)
        result = TH_E_FILE;
    if (close(fd) < 0 && result >= 0)
        result = TH_E_FILE;
    return result;
}

static void remove_quietly(const char *path)
{
    int saved = errno;
    unlink(path);
    errno = saved;
}

static int replace(const struct th_report *report, const char *path)
{
    char temporary[PATH_BYTES];
    int length = th_format(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid());
    if (length >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return TH_E_FILE;
    }
    int result = write_new(report, temporary);
    if (result >= 0 && rename(temporary, path) < 0)
        result = TH_E_FILE;
    if (result < 0)
        remove_quietly(temporary);
    return result;
}

static bool may_be_replaced(const char *path)
{
    struct stat status;
    return lstat(path, &status) < 0 || S_ISREG(status.st_mode);
}

int th_report_json_file(const struct th_report *report, const char *path, struct th_fault *fault)
{
    int standard_output = STDOUT_FILENO;
    if (!strcmp(path, "-"))
        return blame(fault, th_report_json(report, write_all, &standard_output), "standard output");
    if (may_be_replaced(path))
        return blame(fault, replace(report, path), path);
    return blame(fault, write_in_place(report, path), path);
}
