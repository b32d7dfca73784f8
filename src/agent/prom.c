#include "agent/prom.h"

#include "agent/show.h"
#include "agent/state.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lane.h"
#include "cli/lock.h"
#include "cli/say.h"
#include "cli/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EVERY_MS 15000
#define PATH_BYTES 512

struct lane {
    const char *path; /* NULL: there is none */
    uint64_t due_ms;
    unsigned told;    /* changes of the state */
    bool failed;      /* was said */
    char temporary[PATH_BYTES];
};
TH_LANE(struct lane, prom);

static TH_ROOMY char prom_text[8192]; /* of the file */

static void describe(void)
{
    const struct th_agent_view view = {.write = th_cli_sheet_put, .for_prometheus = true};
    struct th_agent_answer answer = th_agent_state_answer();
    th_cli_sheet_open(prom_text, sizeof prom_text);
    th_agent_show(&answer, 1, &view);
}

static bool write_file(size_t bytes)
{
    int fd = th_file_open(prom->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return false;
    bool written = th_file_write(fd, prom_text, bytes) == 0;
    return close(fd) == 0 && written && rename(prom->temporary, prom->path) == 0;
}

static void update(void)
{
    describe();
    bool failed = !write_file(th_cli_sheet_bytes());
    if (failed && !prom->failed)
        th_cli_warn("cannot write %s", prom->path);
    prom->failed = failed;
    prom->told = th_agent_state_changes();
    prom->due_ms = th_clock_ms() + EVERY_MS;
}

static uint64_t until_ms(void)
{
    if (!prom->path)
        return TH_NEVER;
    return prom->told == th_agent_state_changes() ? prom->due_ms : 0;
}

static bool turn(void)
{
    if (until_ms() <= th_clock_ms())
        update();
    return false;
}

/* That it can be written is tried before anything is locked. */
static int open_file(const struct th_cli_settings *settings)
{
    if (!settings->prom_file)
        return TH_CLI_OK;
    prom->path = settings->prom_file;
    int length = th_format(prom->temporary, sizeof prom->temporary, "%s.tmp", prom->path);
    if (length < PATH_BYTES && write_file(0)) {
        th_cli_lock_writes(prom->path);
        return TH_CLI_OK;
    }
    th_cli_say_status(TH_CLI_FILE, "--prom-file %s: cannot be written", prom->path);
    return TH_CLI_FILE;
}

static void close_file(void)
{
    if (prom->path && th_cli_connection_client())
        update();
    prom->path = NULL;
}

const struct th_agent_part th_agent_prom = {
    .open = open_file,
    .turn = turn,
    .until_ms = until_ms,
    .close = close_file,
};
