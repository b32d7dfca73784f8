#include "cli/say.h"

#include "base/format.h"
#include "base/slice.h"
#include "cli/exit.h"
#include "cli/lane.h"
#include "cli/persona.h"
#include "cli/signals.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct lane {
    struct th_cli_voice voice;
    th_cli_dress *dress; /* NULL: lines are written as they are */
};
TH_LANE(struct lane, own);

void th_cli_voice_dress(th_cli_dress *wanted)
{
    own->dress = wanted;
}

void th_cli_voice_set(const struct th_cli_voice *wanted)
{
    own->voice = *wanted;
}

void th_cli_voice_call(const char *command, const char *connection)
{
    th_cli_voice_set(&(struct th_cli_voice){.command = command, .connection = connection});
}

/* Only an agent has several. */
static bool is_of_all;

void th_cli_voice_of_all(bool all)
{
    is_of_all = all;
}

const char *th_cli_voice_connection(void)
{
    return TH_AGENT_BIT && !is_of_all ? own->voice.connection : NULL;
}

/* A line longer than the buffer is cut; the newline stays. */
static struct {
    char text[512];
    size_t used;
    size_t called_bytes; /* "thimble agent: " */
    enum th_log_level level;
} line;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add_list(const char *format, va_list args)
{
    size_t room = sizeof line.text - 1 - line.used;
    int wanted = th_format_list(line.text + line.used, room, format, args);
    if (wanted > 0)
        line.used += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void add(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_list(format, args);
    va_end(args);
}

static void begin(enum th_log_level level)
{
    line.used = line.called_bytes = 0;
    line.level = level;
}

static void end_call(void)
{
    line.called_bytes = line.used;
    add("%s", own->voice.danger ? own->voice.danger : "");
}

/* Whoever reads our standard error may have stopped to. Asked to end, we wait a
 * second for him, no more. */
static bool is_heard(void)
{
    static bool given_up;
    given_up = given_up || !th_cli_signals_await_writable(STDERR_FILENO);
    return !given_up;
}

/* What a broker or a certificate said stands in our lines: no byte of it drives the terminal. C1
 * is C2 80 to C2 9F in UTF-8, and 80 to 9F where nothing leads it. */
static bool is_harmless(uint8_t byte, uint8_t before)
{
    if (byte >= 0x80 && byte < 0xa0)
        return before >= 0x80 && before != 0xc2;
    return byte >= 0x20 && byte != 0x7f;
}

static void make_harmless(void)
{
    uint8_t before = 0;
    for (size_t i = 0; i < line.used; i++) {
        uint8_t byte = (uint8_t)line.text[i];
        if (!is_harmless(byte, before))
            line.text[i] = '?';
        before = byte;
    }
}

/* More than that is no standard error to speak of. */
enum { WRITES_MAX = 2 * sizeof line.text };

void th_cli_say_as_is(const char *text, size_t bytes)
{
    size_t at = 0;
    for (unsigned i = 0; i < WRITES_MAX && at < bytes && is_heard(); i++) {
        ssize_t written = write(STDERR_FILENO, text + at, bytes - at);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return; /* there is nowhere left to complain */
        at += written > 0 ? (size_t)written : 0;
    }
}

static void end(void)
{
    make_harmless();
    if (own->dress) {
        own->dress(line.level, th_slice_of(line.text, line.used), line.called_bytes);
        return;
    }
    line.text[line.used++] = '\n';
    th_cli_say_as_is(line.text, line.used);
}

enum { COMPLAINT = -1 }; /* in place of a status */

static void add_status(int status)
{
    const struct th_cli_exit *exit = th_cli_exit_find(status);
    if (status > 0 && th_cli_persona() == TH_CLI_THIMBLE)
        add(" (%d %s)", status, exit ? exit->name : "unknown");
}

static void add_word(const char *word)
{
    if (word && *word)
        add(" %s", word);
}

static void add_who(void)
{
    add("thimble");
    add_word(own->voice.command);
    add_word(th_cli_voice_connection());
    add(": ");
}

static void say_list(enum th_log_level level, int status, const char *format, va_list args)
{
    if (own->voice.quiet && status != COMPLAINT)
        return;
    begin(level);
    if (th_cli_persona() == TH_CLI_MOSQUITTO)
        add("Error: ");
    else
        add_who();
    end_call();
    add_list(format, args);
    add_status(status);
    end();
}

void th_cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_list(TH_LOG_INFO, 0, format, args);
    va_end(args);
}

void th_cli_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_list(TH_LOG_WARNING, 0, format, args);
    va_end(args);
}

void th_cli_say_status(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_list(TH_LOG_ERROR, status, format, args);
    va_end(args);
}

int th_cli_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_list(TH_LOG_ERROR, COMPLAINT, format, args);
    va_end(args);
    return TH_CLI_USAGE;
}

static void log_line(void *arg, enum th_log_level level, const char *text)
{
    (void)arg;
    begin(level);
    if (th_cli_voice_connection())
        add("%s: ", th_cli_voice_connection());
    end_call();
    add("%s", text);
    end();
}

struct th_log th_cli_voice_log(void)
{
    if (own->voice.quiet)
        return (struct th_log){.line = NULL};
    return (struct th_log){
        .line = log_line,
        .level = own->voice.debug ? TH_LOG_DEBUG : TH_LOG_WARNING,
    };
}
