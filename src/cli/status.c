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

static th_cli_status_more *more; /* NULL: nobody has more to tell */

/* A report in the largest figures, and what is more, are shorter. It leaves in one piece: to send
 * it in small ones would fill the socket's buffer with their headers. */
static TH_ROOMY struct {
    size_t used;
    char text[9216];
} answer;

void th_cli_status_also(th_cli_status_more *wanted)
{
    more = wanted;
}

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

char *th_cli_status_text(const struct th_report *report, size_t *bytes)
{
    size_t ahead = more ? more(answer.text, sizeof answer.text) : 0;
    answer.used = ahead;
    th_report_json(report, gather, NULL);
    if (ahead)
        answer.text[ahead] = ',';
    *bytes = answer.used;
    return answer.text;
}

/* Its buffer is empty, and large: it takes all at once. */
static void send_to(int fd, const struct th_report *report)
{
    size_t bytes;
    const char *text = th_cli_status_text(report, &bytes);
    th_net_unix_tell(fd, text, bytes);
}

void th_cli_status_answer(const struct th_report *report)
{
    int fd = th_net_unix_accept(own.fd);
    if (fd >= 0) {
        send_to(fd, report);
    } else if (fd == TH_E_SYSTEM) {
        th_cli_warn("%s is closed: no descriptor is left", own.path);
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
