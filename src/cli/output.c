#include "cli/output.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "json/flow.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *place_of(const struct th_cli_output *output)
{
    return output->temporary ? output->temporary : output->path;
}

static int blame(const struct th_cli_output *output)
{
    return th_fault_set_errno(output->fault, TH_E_FILE, "cannot write %s", output->path);
}

static int open_file(struct th_cli_output *output)
{
    output->fd = th_file_open(place_of(output), O_WRONLY | O_CREAT | O_EXCL, output->mode);
    if (output->fd >= 0)
        return 0;
    if (errno == EEXIST)
        return th_fault_set_errno(output->fault, TH_E_FILE, "%s is there already; name another "
                                  "file, or remove it", place_of(output));
    return blame(output);
}

static int write_all(const struct th_cli_output *output, const char *text, size_t bytes)
{
    return th_file_write(output->fd, text, bytes) < 0 ? blame(output) : 0;
}

static int show(struct th_cli_output *output, const char *text, size_t bytes)
{
    struct th_json_flow flow = {.write = th_cli_out, .plain = !output->as_json};
    if (output->as_json && !output->begun)
        th_cli_out_text("{\"pem\":\"");
    output->begun = output->as_json;
    th_json_flow_part(&flow, th_slice_of(text, bytes));
    return 0;
}

int th_cli_output_write(void *arg, const char *text, size_t bytes)
{
    struct th_cli_output *output = arg;
    if (!output->path)
        return show(output, text, bytes);
    int result = output->fd < 0 ? open_file(output) : 0;
    return result < 0 ? result : write_all(output, text, bytes);
}

/* Its name is on the disk when its directory is. */
static void sync_directory_of(const char *path)
{
    char directory[512];
    const char *slash = strrchr(path, '/');
    th_format(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) + 1 : 1,
              slash ? path : ".");
    int fd = th_file_open(directory, O_RDONLY | O_DIRECTORY, 0);
    th_file_sync(fd);
    close(fd);
}

static int settle(const struct th_cli_output *output, int result)
{
    if (result == 0 && th_file_sync(output->fd) < 0)
        result = blame(output);
    close(output->fd);
    if (result == 0 && output->temporary && rename(output->temporary, output->path) < 0)
        result = blame(output);
    if (result < 0)
        unlink(place_of(output));
    else
        sync_directory_of(output->path);
    return result;
}

int th_cli_output_finish(struct th_cli_output *output, int result)
{
    if (output->fd >= 0)
        result = settle(output, result);
    if (output->begun)
        th_cli_out_text("\"}\n");
    else if (output->as_json && result >= 0)
        th_cli_facts_file(output->path, NULL);
    int printed = th_cli_printed();
    return result < 0 ? th_cli_say_fault(output->fault) : printed;
}
