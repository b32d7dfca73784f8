#include "cli/ask.h"

#include "base/err.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/cert.h"
#include "cli/out.h"
#include "cli/payload.h"
#include "net/unix.h"
#include <errno.h>
#include <poll.h>
#include <string.h>

#define ANSWER_MS 5000

static TH_ROOMY struct {
    struct th_fault fault;
    char path[TH_NET_UNIX_PATH_BYTES];
} asked;

/* ---- whom ---- */

static bool is_pid(const char *word)
{
    while (th_is_digit(*word))
        word++;
    return !*word;
}

/* The value of --status-socket in words that each end with a NUL, or NULL. */
static const char *socket_in(const char *word, const char *end)
{
    static const char option[] = "--status-socket";
    for (; word < end; word += strlen(word) + 1)
        if (!strncmp(word, option, sizeof option - 1))
            return word + sizeof option;
    return NULL;
}

/* Its command line says where it listens, from its folder if the path does not begin at the top. */
static int find_socket(const char *pid)
{
    struct th_slice words;
    char *buffer = (char *)th_cli_payload_buffer;
    th_format(asked.path, sizeof asked.path, "/proc/%.16s/cmdline", pid);
    if (th_cli_payload_load(asked.path, th_cli_payload_buffer, sizeof th_cli_payload_buffer - 1,
                            &words, &asked.fault) < 0)
        return asked.fault.code;
    buffer[words.len_bytes] = '\0';
    const char *found = socket_in(buffer, buffer + words.len_bytes);
    if (!found)
        return th_fault_set(&asked.fault, TH_E_ARGUMENT, "process %.16s has no "
                            "--status-socket on its command line", pid);
    th_format(asked.path, sizeof asked.path, *found == '/' ? "%.0s%s" : "/proc/%.16s/cwd/%s", pid,
              found);
    return 0;
}

static int choose_socket(const char *word)
{
    if (is_pid(word))
        return find_socket(word);
    th_format(asked.path, sizeof asked.path, "%s", word);
    return 0;
}

/* ---- asking ---- */

static int say_closed_to_us(void)
{
    th_fault_clear(&asked.fault);
    errno = EACCES;
    return th_fault_set_errno(&asked.fault, TH_E_FILE, "%s is not for you unless its owner gives "
                              "--status-mode 0666", asked.path);
}

static int dial(void)
{
    const struct th_net_options none = {0};
    int fd = th_net_dial_unix(asked.path, &none, &asked.fault);
    return fd < 0 && asked.fault.sys_errno == EACCES ? say_closed_to_us() : fd;
}

/* Up to its end. */
static int read_answer(int fd, uint8_t *answer, size_t room)
{
    struct pollfd awaited = {.fd = fd, .events = POLLIN};
    size_t used = 0;
    int got = 0;
    while (used < room && poll(&awaited, 1, ANSWER_MS) > 0 &&
           (got = th_net_read(fd, answer + used, room - used, NULL)) > 0)
        used += (size_t)got;
    answer[used] = '\0';
    th_net_hang_up(fd);
    return got == TH_E_CLOSED && used ? (int)used
                                      : th_fault_set(&asked.fault, TH_E_TIMEOUT,
                                                     "%s does not answer", asked.path);
}

int th_cli_ask(const char *word, char **answer)
{
    size_t room_bytes;
    int rc = choose_socket(word);
    int fd = rc < 0 ? rc : dial();
    *answer = th_cli_desk_room(&room_bytes);
    return fd < 0 ? fd : read_answer(fd, (uint8_t *)*answer, room_bytes / 2 - 1);
}

char *th_cli_ask_behind(char *object)
{
    char *next = th_text_find(object, "\n{");
    return next ? next + 1 : object + strlen(object);
}

const char *th_cli_ask_connection(const char *object)
{
    static const char first[] = "{\"name\":\"";
    return strncmp(object, first, sizeof first - 1) ? NULL : object + sizeof first - 1;
}

struct th_fault *th_cli_ask_fault(void)
{
    return &asked.fault;
}

int th_cli_ask_refuse(const char *what)
{
    return th_fault_set(&asked.fault, TH_E_PROTOCOL, "%s does not speak of %s", asked.path, what);
}

void th_cli_ask_print(const char *text, size_t bytes)
{
    th_cli_out_guard(false);
    th_cli_out_foreign(text, bytes);
    th_cli_out_foreign_end();
}
