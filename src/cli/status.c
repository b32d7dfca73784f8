#include "cli/status.h"

#include "base/roomy.h"
#include "cli/lane.h"
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

/* A report in the largest figures, and what is more, are shorter. All leave in one piece: to send
 * them in small ones would fill the socket's buffer with their headers. */
static TH_ROOMY struct {
    size_t used;
    bool on_a_line;
    char text[9216 * TH_LANES];
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

/* Newlines, and what a line begins with, come by themselves. */
static int gather(void *arg, const char *text, size_t text_bytes)
{
    (void)arg;
    if (answer.on_a_line && (*text == '\n' || *text == ' '))
        return TH_OK;
    if (text_bytes > sizeof answer.text - answer.used)
        return TH_E_TOO_LARGE;
    memcpy(answer.text + answer.used, text, text_bytes);
    answer.used += text_bytes;
    return TH_OK;
}

static void end_line(void)
{
    answer.on_a_line = false;
    gather(NULL, "\n", 1);
}

void th_cli_status_begin(void)
{
    answer.used = 0;
}

void th_cli_status_add(const struct th_report *report)
{
    char *text = answer.text + answer.used;
    size_t ahead = more ? more(text, sizeof answer.text - answer.used) : 0;
    answer.used += ahead;
    answer.on_a_line = th_cli_voice_connection() != NULL;
    th_report_json(report, gather, NULL);
    if (ahead)
        text[ahead] = ',';
    if (answer.on_a_line)
        end_line();
}

char *th_cli_status_text(const struct th_report *report, size_t *bytes)
{
    th_cli_status_begin();
    th_cli_status_add(report);
    *bytes = answer.used;
    return answer.text;
}

/* Its buffer is empty, and large: it takes all at once. */
void th_cli_status_answer(void)
{
    int fd = th_net_unix_accept(own.fd);
    if (fd >= 0) {
        th_net_unix_tell(fd, answer.text, answer.used);
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
