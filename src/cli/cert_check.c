/* thimble cert check: one line, and the exit codes of monitoring plug-ins. */
#include "cli/cert.h"

#include "base/calendar.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "cli/server.h"
#include <string.h>

#define DAY_S 86400
#define WARN_DAYS 30
#define CRITICAL_DAYS 7

enum { FINE, WARNING, CRITICAL, UNKNOWN };

static struct {
    int64_t now_s;
    int64_t warn_days, critical_days;
    const char *path;          /* being read */
    bool is_seen;              /* it could be */
    unsigned certificates;
    int worst;                 /* FINE ... */
    int64_t least_s;           /* left of the one that is worst */
    const char *worst_path;
    bool is_early;             /* it is not valid yet */
    char subject[160];
    char date[TH_CLI_TIME_TEXT_BYTES];
} own;

static bool read_days(const char *text, int64_t *days)
{
    char digits[9] = "";
    if (!text)
        return true;
    strncpy(digits, text, sizeof digits - 1);
    size_t bytes = strlen(digits);
    if (bytes > 1 && digits[bytes - 1] == 'd')
        digits[bytes - 1] = '\0';
    return th_cli_number_parse(digits, 0, 99999, days);
}

static int judge(const struct th_certificate *certificate)
{
    int64_t left_s = certificate->not_after_s - own.now_s;
    if (left_s < own.critical_days * DAY_S || certificate->not_before_s > own.now_s)
        return CRITICAL;
    return left_s < own.warn_days * DAY_S ? WARNING : FINE;
}

static void keep(const struct th_certificate *certificate)
{
    own.is_early = certificate->not_before_s > own.now_s;
    own.least_s = certificate->not_after_s - own.now_s;
    own.worst_path = own.path;
    th_name_text(certificate->subject, own.subject, sizeof own.subject);
    th_cli_time_text(own.is_early ? certificate->not_before_s : certificate->not_after_s,
                     own.date);
}

static int take(void *arg, const struct th_certificate *certificate, struct th_fault *fault)
{
    (void)arg, (void)fault;
    int verdict = judge(certificate);
    int64_t left_s = certificate->not_after_s - own.now_s;
    if (!own.certificates++ || verdict > own.worst ||
        (verdict == own.worst && left_s < own.least_s)) {
        own.worst = verdict;
        keep(certificate);
    }
    return 0;
}

static const char *verb_of(void)
{
    return own.is_early ? "is not valid before" : own.least_s < 0 ? "expired" : "expires";
}

static const char *state(void)
{
    return own.is_early ? "early" : own.least_s < 0 ? "expired" : "valid";
}

static const char *word(void)
{
    return th_text_nth("OK\0" "WARNING\0" "CRITICAL\0" "UNKNOWN", (unsigned)own.worst);
}

static int64_t days_left(void)
{
    return own.least_s / DAY_S - (own.least_s % DAY_S < 0);
}

static void print_line(void)
{
    th_cli_out_format("CERT %s - %s: %s %s %s, %d days left; %u looked at|days=%d;%d;%d\n", word(),
                      own.worst_path, own.subject, verb_of(), own.date, (int)days_left(),
                      own.certificates, (int)days_left(), (int)own.warn_days,
                      (int)own.critical_days);
}

static void begin_json(const char *path, const char *state)
{
    th_cli_facts_begin(true);
    th_cli_fact("status", word());
    th_cli_fact("file", path);
    th_cli_fact("state", state);
}

static void print_json(void)
{
    begin_json(own.worst_path, state());
    th_cli_fact("subject", own.subject);
    th_cli_fact("date", own.date);
    th_cli_fact_number("days", days_left());
    th_cli_fact_number("certificates", own.certificates);
    th_cli_facts_end();
}

/* What can be read and is refused is not unknown. */
static int refuse(int status, bool as_json)
{
    const char *cause = th_cli_exit_state(status);
    own.worst = own.is_seen ? CRITICAL : UNKNOWN;
    if (as_json) {
        begin_json(own.path, cause);
        th_cli_facts_end();
    } else {
        th_cli_out_format("CERT %s - %s: %s\n", word(), own.path, cause);
    }
    th_cli_printed();
    return own.worst;
}

/* Not inlined: its fault would lie below a server's handshake. */
__attribute__((noinline)) static int refuse_date(void)
{
    struct th_fault fault = {0};
    th_calendar_fault(&fault);
    return th_cli_say_fault(&fault);
}

static int read_one(const struct th_cli_settings *s, const char *path)
{
    bool is_server = th_cli_server_is_taken();
    own.path = path;
    if (!th_calendar_is_believable())
        return refuse_date();
    int status = th_cli_server_read(path, take, NULL);
    own.is_seen = is_server ? own.certificates > 0 : status == 0;
    return status || is_server || !s->cafile ? status : th_cli_cert_verify(s, path);
}

int th_cli_cert_check(const struct th_cli_settings *settings)
{
    own.now_s = th_calendar_s();
    own.warn_days = WARN_DAYS, own.critical_days = CRITICAL_DAYS;
    if (!read_days(settings->warn, &own.warn_days) ||
        !read_days(settings->critical, &own.critical_days)) {
        th_cli_complain("--warn, --critical: give days, such as 30d");
        return UNKNOWN;
    }
    for (uint32_t i = 0; i < settings->words.count; i++) {
        int status = read_one(settings, settings->words.items[i]);
        if (status)
            return refuse(status, settings->json);
    }
    if (settings->json)
        print_json();
    else
        print_line();
    return th_cli_printed() ? UNKNOWN : own.worst;
}
