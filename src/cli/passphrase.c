#include "cli/passphrase.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "cli/payload.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* The first line, without its end. */
static int first_line(const uint8_t *text, size_t bytes)
{
    const uint8_t *end = memchr(text, '\n', bytes);
    size_t length = end ? (size_t)(end - text) : bytes;
    return (int)(end && length > 0 && text[length - 1] == '\r' ? length - 1 : length);
}

static int from_file(const char *path, uint8_t *out, size_t bytes, struct th_fault *fault)
{
    struct th_slice text;
    int result = th_cli_payload_load(path, out, bytes, &text, fault);
    return result < 0 ? result : first_line(out, text.len_bytes);
}

/* systemd.exec(5), under CREDENTIALS */
static int from_credential(const char *name, uint8_t *out, size_t bytes, struct th_fault *fault)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    static char path[4096]; /* too much for the stack */
    if (!directory || strchr(name, '/'))
        return th_fault_set(fault, TH_E_ARGUMENT, "--keypass-credential: give a name, and run as a "
                            "service of systemd, which sets $CREDENTIALS_DIRECTORY");
    th_format(path, sizeof path, "%s/%s", directory, name);
    return from_file(path, out, bytes, fault);
}

/* ---- the terminal ---------------------------------------------------------------------------- */

struct terminal {
    int fd;
    int signals;
    struct termios as_it_was;
    sigset_t mask_before;
};

/* What ends or stops us waits until there is an echo again. */
static void hold_signals(struct terminal *terminal)
{
    static const uint8_t numbers[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof numbers; i++)
        sigaddset(&held, numbers[i]);
    sigprocmask(SIG_BLOCK, &held, &terminal->mask_before);
    terminal->signals = signalfd(-1, &held, SFD_CLOEXEC);
}

static bool silence(struct terminal *terminal)
{
    struct termios silent;
    hold_signals(terminal);
    if (tcgetattr(terminal->fd, &terminal->as_it_was) < 0)
        return false;
    silent = terminal->as_it_was;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    return tcsetattr(terminal->fd, TCSAFLUSH, &silent) == 0;
}

static void leave(const struct terminal *terminal)
{
    tcsetattr(terminal->fd, TCSAFLUSH, &terminal->as_it_was);
    close(terminal->signals);
    sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

static int read_line(const struct terminal *terminal, uint8_t *out, size_t bytes, bool *again)
{
    struct pollfd awaited[] = {{.fd = terminal->fd, .events = POLLIN},
                               {.fd = terminal->signals, .events = POLLIN}};
    ssize_t got = -1;
    char prompt[40];
    int prompt_bytes = th_format(prompt, sizeof prompt, "Passphrase of the private key: ");
    if (write(terminal->fd, prompt, (size_t)prompt_bytes) > 0 && poll(awaited, 2, -1) > 0)
        *again = awaited[1].revents;
    if (awaited[0].revents && !*again)
        got = read(terminal->fd, out, bytes);
    return write(terminal->fd, "\n", 1) < 0 || got <= 0 ? TH_E_FILE : first_line(out, (size_t)got);
}

/* Whoever blocks signals learns of them later, and would be asked again for ever. */
static bool has_come_through(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigisemptyset(&pending);
}

static int from_terminal(uint8_t *out, size_t bytes, struct th_fault *fault)
{
    struct terminal terminal = {.fd = th_file_open("/dev/tty", O_RDWR | O_NOCTTY, 0)};
    int result = TH_E_FILE;
    bool again = terminal.fd >= 0;
    while (again) {
        again = false;
        if (silence(&terminal))
            result = read_line(&terminal, out, bytes, &again);
        leave(&terminal);
        again = again && has_come_through();
    }
    if (terminal.fd >= 0)
        close(terminal.fd);
    return result < 0 ? th_fault_set(fault, TH_E_FILE, "no passphrase from the terminal") : result;
}

/* ---------------------------------------------------------------------------------------------- */

static int ask(void *arg, uint8_t *out, size_t bytes, struct th_fault *fault)
{
    const struct th_cli_settings *settings = arg;
    if (settings->keypass_file)
        return from_file(settings->keypass_file, out, bytes, fault);
    if (settings->keypass_credential)
        return from_credential(settings->keypass_credential, out, bytes, fault);
    return from_terminal(out, bytes, fault);
}

struct th_passphrase th_cli_passphrase(const struct th_cli_settings *settings)
{
    bool can_ask = settings->keypass_file || settings->keypass_credential || isatty(STDIN_FILENO);
    return (struct th_passphrase){can_ask ? ask : NULL, (void *)(uintptr_t)settings};
}
