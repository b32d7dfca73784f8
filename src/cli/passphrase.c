#include "cli/passphrase.h"

#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "cli/payload.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

static int read_line(int fd, uint8_t *out, size_t bytes)
{
    char prompt[40];
    int prompt_bytes = th_format(prompt, sizeof prompt, "Passphrase of the private key: ");
    ssize_t got = write(fd, prompt, (size_t)prompt_bytes) < 0 ? -1 : read(fd, out, bytes);
    if (write(fd, "\n", 1) < 0 || got <= 0)
        return TH_E_FILE;
    return first_line(out, (size_t)got);
}

static int from_terminal(uint8_t *out, size_t bytes, struct th_fault *fault)
{
    struct termios as_it_was, silent;
    int result = TH_E_FILE;
    int fd = th_file_open("/dev/tty", O_RDWR | O_NOCTTY, 0);
    if (fd >= 0 && tcgetattr(fd, &as_it_was) == 0) {
        silent = as_it_was;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        if (tcsetattr(fd, TCSAFLUSH, &silent) == 0)
            result = read_line(fd, out, bytes);
        tcsetattr(fd, TCSAFLUSH, &as_it_was);
    }
    if (fd >= 0)
        close(fd);
    return result < 0 ? th_fault_set(fault, TH_E_FILE, "no passphrase from the terminal") : result;
}

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
