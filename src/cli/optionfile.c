#include "cli/optionfile.h"

#include "base/errno.h"
#include "base/file.h"
#include "base/format.h"
#include "base/roomy.h"
#include "cli/given.h"
#include "cli/names.h"
#include "cli/persona.h"
#include "cli/show.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -D COMMAND user-property NAME VALUE, and an end. */
#define WORDS_MAX 6

static TH_ROOMY char content[TH_CLI_OPTIONFILE_BYTES + 1];

/* ---- lines ---- */

/* Ends the word at *text and moves it to the next one. NULL: there is none. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " \t");
    char *end = word + strcspn(word, " \t");
    *text = end;
    if (*end) {
        *end = '\0';
        *text = end + 1 + strspn(end + 1, " \t");
    }
    return *word ? word : NULL;
}

/* -D is followed by several words, the last of which may have blanks, like the value of others. */
static int words_before_last(const char *option, const char *rest)
{
    if (strcmp(option, "-D") && strcmp(option, "--property"))
        return 0;
    const char *second = rest + strcspn(rest, " \t");
    second += strspn(second, " \t");
    return strncmp(second, "user-property", strlen("user-property")) ? 2 : 3;
}

static int split(char *line, char *words[WORDS_MAX])
{
    int count = 0;
    words[count] = next_word(&line);
    if (!words[count])
        return 0;
    int more = words_before_last(words[count++], line);
    while (more-- > 0 && *line)
        words[count++] = next_word(&line);
    if (*line)
        words[count++] = line;
    words[count] = NULL;
    return count;
}

static bool is_of_another_file(const struct th_cli_option *option)
{
    return option && option->offset == offsetof(struct th_cli_settings, options_file) &&
           option->kind == TH_CLI_TEXT;
}

/* Without TLS, as the command line may say, what a file says about it does not count. */
static bool take_line(struct th_cli_settings *s, char *line, struct th_cli_problem *problem)
{
    char *words[WORDS_MAX];
    int count = *line == '#' ? 0 : split(line, words);
    if (count == 0)
        return true;
    const struct th_cli_option *option = th_cli_option_find(words[0]);
    if (is_of_another_file(option))
        return th_cli_problem(problem, "-o: not in an options file; leave it out");
    if (option && s->no_tls && th_cli_is_of_tls(option))
        return true;
    return th_cli_options_parse(s, count, words, problem);
}

static bool name_line(struct th_cli_problem *problem, unsigned number, const char *path)
{
    struct th_cli_problem inner = *problem;
    return th_cli_problem(problem, "line %u of %.160s: %s", number, path, inner.text);
}

/* Ends the line and returns where the next one begins. */
static char *end_line(char *line, char *end)
{
    char *newline = memchr(line, '\n', (size_t)(end - line));
    char *last = newline ? newline : end;
    *last = '\0';
    if (last > line && last[-1] == '\r')
        last[-1] = '\0';
    return newline ? newline + 1 : end;
}

bool th_cli_optionfile_parse(struct th_cli_settings *s, char *text, size_t bytes, const char *path,
                             struct th_cli_problem *problem)
{
    char *end = text + bytes;
    unsigned number = 1;
    for (char *next; text < end; text = next, number++) {
        next = end_line(text, end);
        if (!take_line(s, text, problem))
            return name_line(problem, number, path);
    }
    return true;
}

/* ---- files ---- */

static bool refuse(struct th_cli_problem *problem, const char *path, const char *why)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_cli_problem(problem, "-o %s: %s", th_cli_show(path, shown), why);
}

static bool refuse_errno(struct th_cli_problem *problem, const char *path)
{
    char text[TH_ERRNO_TEXT_BYTES], why[TH_ERRNO_TEXT_BYTES + 64];
    th_format(why, sizeof why, "cannot read it: %s; give a file of options",
              th_errno_text(errno, text));
    return refuse(problem, path, why);
}

static bool take_file(struct th_cli_settings *s, int file, const char *path,
                      struct th_cli_problem *problem)
{
    ssize_t bytes = th_file_read(file, content, sizeof content);
    if (bytes < 0)
        return refuse_errno(problem, path);
    if (bytes > TH_CLI_OPTIONFILE_BYTES)
        return refuse(problem, path, "too large; an options file has at most 4096 bytes");
    if (memchr(content, '\0', (size_t)bytes))
        return refuse(problem, path, "not a text; give a file of options");
    return th_cli_optionfile_parse(s, content, (size_t)bytes, path, problem);
}

/* In the home of somebody else (of root, for a daemon) nothing is ours. */
static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* $XDG_CONFIG_HOME/thimble_pub, or ~/.config/thimble_pub; false: neither variable is set. */
static bool own_path(char *path, size_t room, int command)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *program = th_cli_persona() == TH_CLI_MOSQUITTO ? "mosquitto" : "thimble";
    const char *base = config ? config : home;
    if (!base || !*base)
        return false;
    return th_format(path, room, "%s%s/%s_%s", base, config ? "" : "/.config", program,
                     th_cli_commands_named(command)) < (int)room;
}

bool th_cli_optionfile_read(struct th_cli_settings *s, const char *path,
                            struct th_cli_problem *problem)
{
    static char usual_path[1024];
    bool asked = path != NULL;
    if (!asked && !own_path(usual_path, sizeof usual_path, s->command))
        return true;
    path = asked ? path : usual_path;
    int file = th_file_open(path, O_RDONLY, 0);
    if (file < 0)
        return !asked && !is_there(path) ? true : refuse_errno(problem, path);
    bool right = take_file(s, file, path, problem);
    close(file);
    return right;
}
