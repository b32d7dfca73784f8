#include "cli/status.h"

#include "base/roomy.h"
#include "cli/say.h"
#include "net/unix.h"
#include "report/report.h"
#include <string.h>
#include <unistd.h>

static struct {
    int fd;
    const char *path;
} own = {.fd = -1};

/* A report in the largest figures is shorter. It leaves in one piece: to send it in small ones
 * would fill the socket's buffer with their headers. */
static TH_ROOMY struct {
    size_t used;
    char text[8192];
} answer;

int th_cli_status_open(const struct th_cli_settings *settings, struct th_fault *fault)
{
    own.path = settings->status_socket;
    if (own.path)
        own.fd = th_net_unix_listen(own.path, (unsigned)settings->status_mode, fault);
    return own.path && own.fd < 0 ? own.fd : 0;
}

struct pollfd th_cli_status_awaited(void)
{
    return (struct pollfd){.fd = own.fd, .events = POLLIN};
}

static int gather(void *arg, const char *text, size_t text_bytes)
{
    (void)arg;
    if (text_bytes > sizeof answer.text - answer.used)
        return TH_E_TOO_LARGE;
    memcpy(answer.text + answer.used, text, text_bytes);
    answer.used += text_bytes;
    return TH_OK;
}

/* Its buffer is empty, and large: it takes all at once. */
static void send_to(int fd, const struct th_report *report)
{
    answer.used = 0;
    th_report_json(report, gather, NULL);
    th_net_unix_tell(fd, answer.text, answer.used);
}

void th_cli_status_answer(const struct th_report *report)
{
    int fd = th_net_unix_accept(own.fd);
    if (fd >= 0) {
        send_to(fd, report);
    } else if (fd == TH_E_SYSTEM) {
        th_cli_say("%s is closed: no descriptor is left", own.path);
        th_cli_status_close();
    }
}

void th_cli_status_close(void)
{
    if (own.fd < 0)
        return;
    th_net_hang_up(own.fd);
    unlink(own.path);
    own.fd = -1;
}
