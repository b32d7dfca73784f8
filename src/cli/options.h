/* Every option of every command stands in one table. It drives the parser and --help, and a test
 * holds the man page against it. */
#ifndef TH_CLI_OPTIONS_H
#define TH_CLI_OPTIONS_H

#include "cli/problem.h"
#include "cli/settings.h"
#include <stddef.h>

enum th_cli_kind {
    TH_CLI_FLAG,          /* bool */
    TH_CLI_REPORT,        /* const char *, json:FILE, given only as --name=VALUE, else "" */
    TH_CLI_MAYBE_TEXT,    /* const char *, likewise; min and max are its length in bytes */
    TH_CLI_MAYBE_SECONDS, /* int64_t, likewise, else 0 */
    TH_CLI_NUMBER,        /* int64_t from min to max, or one of `words` */
    TH_CLI_WORD,          /* int64_t, one of `words` */
    TH_CLI_SECONDS,       /* int64_t, min to max milliseconds */
    TH_CLI_RANGE,         /* two of them, "1s..60s" */
    TH_CLI_BYTES,         /* int64_t from min to max */
    TH_CLI_PERCENT,       /* int64_t, hundredths of a percent; min and max are thousandths */
    TH_CLI_TEXT,          /* const char *; min and max are its length in bytes, max 0: no limit */
    TH_CLI_JOINED,        /* never empty; given again it is one more, behind the character `min` */
    TH_CLI_SECRET,        /* char *, never shown; likewise */
    TH_CLI_LIST,          /* struct th_cli_list of texts; likewise */
    TH_CLI_PROPERTY,      /* struct th_cli_properties, of three words, user-property: of four */
    TH_CLI_DECLINED,      /* its help says what to use instead */
    TH_CLI_KINDS
};

/* A word an option takes, and the number it stands for. A list ends with text NULL. */
struct th_cli_word {
    const char *text;
    int64_t number;
};

enum th_cli_words {
    TH_CLI_NO_WORDS,
    TH_CLI_MQTT_VERSIONS,
    TH_CLI_TLS_VERSIONS,
    TH_CLI_EXPIRIES,
    TH_CLI_RETRIES,
    TH_CLI_KEY_FORMS,
    TH_CLI_KEY_TYPES,
    TH_CLI_MODES,
    TH_CLI_AUTHENTICATIONS,
    TH_CLI_RETAIN_HANDLINGS,
    TH_CLI_PERSONAS,
    TH_CLI_SANDBOXES,
    TH_CLI_CLOCKS,
    TH_CLI_STAPLINGS,
    TH_CLI_SPOOL_POLICIES,
    TH_CLI_LOG_FORMATS,
    TH_CLI_WORD_LISTS
};

/* What becomes of a value that has changed when the configuration is read again. */
enum th_cli_reload {
    TH_CLI_RESTART, /* it counts from the next start on */
    TH_CLI_TRIED,   /* on a new connection; the value before comes back if that fails */
    TH_CLI_LIVE,    /* it counts at once */
};

struct th_cli_option {
    const char *texts;      /* name, value, environment, help, each ended by a NUL: no pointers */
    uint32_t letter : 8;    /* 0: none */
    uint32_t commands : 10; /* mask of TH_CLI_PUB, TH_CLI_SUB, ... */
    uint32_t kind : 4;      /* enum th_cli_kind */
    uint32_t words : 5;     /* enum th_cli_words */
    uint32_t reload : 2;    /* enum th_cli_reload */
    uint32_t common : 1;    /* to all connections of a configuration */
    uint8_t min, most;      /* th_cli_max() */
    uint16_t offset;        /* of its place in struct th_cli_settings */
};

/* Each is NULL if the option has none. */
const char *th_cli_long(const struct th_cli_option *option);  /* without the dashes */
const char *th_cli_value(const struct th_cli_option *option); /* its argument, in help */
const char *th_cli_variable(const struct th_cli_option *option); /* stands in for it */
const char *th_cli_help_line(const struct th_cli_option *option); /* at most 60 characters */
uint32_t th_cli_max(const struct th_cli_option *option); /* 0: no limit */
const struct th_cli_word *th_cli_word_list(const struct th_cli_option *option);

extern const struct th_cli_option th_cli_options[];
extern const size_t th_cli_options_count;

/* The option "-x", "--name" or "--name=value" names, or NULL. */
const struct th_cli_option *th_cli_option_find(const char *word);

/* Takes no word behind it: none at all, or what stands behind the "=". */
bool th_cli_stands_alone(const struct th_cli_option *option);

/* Writes an int64_t, which is TH_CLI_UNSET until then. */
bool th_cli_is_number(const struct th_cli_option *option);

/* "-h", or the long name if there is no letter. `text` has TH_CLI_OPTION_NAME_BYTES. */
#define TH_CLI_OPTION_NAME_BYTES 32
const char *th_cli_option_name(const struct th_cli_option *option, char *text);

/* Gives an option that is no property its value: NULL for a flag. `name` is what it is called in
 * `problem`. False: see there. */
bool th_cli_option_give(struct th_cli_settings *settings, const struct th_cli_option *option,
                        const char *name, char *value, struct th_cli_problem *problem);

/* Reads the words after the command's name; argv[argc] is NULL. False: see `problem`. */
bool th_cli_options_parse(struct th_cli_settings *settings, int argc, char *argv[],
                          struct th_cli_problem *problem);

/* Reads the variables of the environment whose options were not given; those of TLS only if the
 * connection has it. False: see `problem`. */
bool th_cli_options_environment(struct th_cli_settings *settings, struct th_cli_problem *problem);

#endif
