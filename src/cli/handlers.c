#include "cli/handlers.h"

#include "base/slice.h"
#include "base/text.h"
#include "cli/lane.h"
#include "cli/show.h"
#include "cli/template.h"

#include <stddef.h>
#include <thimble/topic.h>

#define TIMEOUT_S 30
#define LONGEST_S 3600
#define MOST_AT_ONCE 8
#define MAX_KB 1024
#define SOCKET_PATH_BYTES 108 /* with its NUL: unix(7) */

typedef struct th_cli_handler handler_list[TH_CLI_HANDLERS_MAX];
TH_LANE_ARRAY(handler_list, lists, 2);

struct lane {
    struct th_cli_handlers tables[2];
    uint8_t used, read;
};
TH_LANE(struct lane, own);

enum kind { TEXT, NUMBER, WORDS, VARIABLES, PATH };

#define OF(way) (1 << TH_CLI_##way)
#define OF_ALL 15

/* `ways`: those it means something for. */
static const struct member {
    char name[12];
    uint8_t kind : 4, ways : 4;
    uint8_t least;
    uint16_t most;
    uint16_t offset;
} members[] = {
    {"topic", TEXT, OF_ALL, 0, 0, offsetof(struct th_cli_handler, topic)},
    {"reply", TEXT, OF(RUN), 0, 0, offsetof(struct th_cli_handler, reply)},
    {"run", WORDS, OF(RUN), 0, 0, 0},
    {"append", PATH, OF(APPEND), TH_CLI_APPEND, 0, 0},
    {"replace", PATH, OF(REPLACE), TH_CLI_REPLACE, 0, 0},
    {"socket", PATH, OF(SOCKET), TH_CLI_SOCKET, 0, 0},
    {"env", VARIABLES, OF(RUN), 0, 0, 0},
    {"qos", NUMBER, OF_ALL, 0, 2, offsetof(struct th_cli_handler, qos)},
    {"timeout_s", NUMBER, OF(RUN), 1, LONGEST_S, offsetof(struct th_cli_handler, timeout_s)},
    {"concurrency", NUMBER, OF(RUN), 1, MOST_AT_ONCE, offsetof(struct th_cli_handler, concurrency)},
    {"max_kb", NUMBER, OF(APPEND), 1, UINT16_MAX, offsetof(struct th_cli_handler, max_kb)},
};

#define MEMBERS (sizeof members / sizeof *members)

static struct th_cli_handlers *table(uint8_t i)
{
    own->tables[i].list = lists[i];
    return &own->tables[i];
}

const struct th_cli_handlers *th_cli_handlers(void)
{
    return table(own->used);
}

static struct th_cli_handlers *reading(void)
{
    return table(own->read);
}

void th_cli_handlers_clear(void)
{
    reading()->count = 0;
}

void th_cli_handlers_begin(void)
{
    own->read = !own->used;
}

void th_cli_handlers_keep(void)
{
    own->used = own->read;
}

unsigned th_cli_handlers_read(void)
{
    return reading()->count;
}

bool th_cli_handlers_is_used(const struct th_cli_handler *handler)
{
    const struct th_cli_handler *first = th_cli_handlers()->list;
    return handler >= first && handler < first + TH_CLI_HANDLERS_MAX;
}

/* ---- values ---------------------------------------------------------------------------------- */

static const char *take_text(const char **text, const struct th_json_leaf *leaf)
{
    struct th_slice name;
    if (*text)
        return "%s: given twice";
    *text = leaf->text;
    return !leaf->is_text                               ? "%s: give a text"
           : th_cli_template_check(leaf->text, &name) ? NULL
                                                        : "%s: no such name in ${}";
}

static const char *take_number(uint16_t *number, const struct member *member,
                               const struct th_json_leaf *leaf)
{
    unsigned value = 0;
    const char *at = leaf->text;
    for (; th_is_digit(*at) && value <= UINT16_MAX; at++)
        value = 10 * value + (unsigned)(*at - '0');
    *number = (uint16_t)value;
    bool fits = at > leaf->text && !*at && value >= member->least && value <= member->most;
    return fits && !leaf->is_text ? NULL : "%s: no such number";
}

#define ONE_WAY "%s: a handler has one of run, append, replace and socket"

static const char *take_path(struct th_cli_handler *handler, const struct member *member,
                             const struct th_json_leaf *leaf)
{
    if (handler->words++)
        return ONE_WAY;
    handler->way = member->least;
    return take_text(handler->run, leaf);
}

static const char *take_word(struct th_cli_handler *handler, const struct th_json_leaf *leaf)
{
    if (handler->way)
        return ONE_WAY;
    if (handler->words == TH_CLI_HANDLER_WORDS)
        return "%s: at most 16 words";
    handler->run[handler->words++] = leaf->text;
    handler->run[handler->words] = NULL;
    return leaf->is_text ? NULL : "%s: give texts";
}

static const char *take_variable(struct th_cli_handler *handler, const char *name,
                                 const struct th_json_leaf *leaf)
{
    if (handler->variables == TH_CLI_HANDLER_VARIABLES)
        return "%s: at most 8 variables";
    handler->names[handler->variables] = name;
    handler->values[handler->variables++] = leaf->text;
    return leaf->is_text && *name && !strchr(name, '=') ? NULL : "%s: give names and texts";
}

/* ---- leaves ---------------------------------------------------------------------------------- */

/* An empty object leaves no leaf behind, but a gap: it lacks everything. */
static struct th_cli_handler *handler_at(unsigned index, const struct th_json_leaf *leaf)
{
    struct th_cli_handlers *all = reading();
    for (; all->count <= index; all->count++)
        all->list[all->count] = (struct th_cli_handler){
            .qos = 1, .timeout_s = TIMEOUT_S, .concurrency = 1, .max_kb = MAX_KB,
            .ways = OF_ALL, .place = leaf->name};
    return &all->list[index];
}

static const struct member *find(const char *name)
{
    size_t i = 0;
    while (i < MEMBERS && strcmp(members[i].name, name))
        i++;
    return i < MEMBERS ? &members[i] : NULL;
}

/* How many names lead to it, and what the last of them is. */
static bool has_its_shape(const struct member *member, const struct th_json_leaf *leaf, unsigned at)
{
    bool inside = leaf->depth == at + 4;
    if (member->kind == WORDS)
        return inside && !leaf->names[at + 3];
    if (member->kind == VARIABLES)
        return inside && leaf->names[at + 3];
    return leaf->depth == at + 3;
}

static const char *take(struct th_cli_handler *handler, const struct member *member,
                        const struct th_json_leaf *leaf)
{
    void *place = (char *)handler + member->offset;
    handler->ways &= member->ways;
    if (member->kind == TEXT)
        return take_text(place, leaf);
    if (member->kind == NUMBER)
        return take_number(place, member, leaf);
    if (member->kind == WORDS)
        return take_word(handler, leaf);
    if (member->kind == PATH)
        return take_path(handler, member, leaf);
    return take_variable(handler, leaf->names[leaf->depth - 1], leaf);
}

const char *th_cli_handlers_take(const struct th_json_leaf *leaf, unsigned at)
{
    if (leaf->depth < at + 3 || leaf->names[at + 1] || !leaf->names[at + 2])
        return "%s: give an array of objects";
    if (leaf->elements[at + 1] >= TH_CLI_HANDLERS_MAX)
        return "%s: at most 16 of them";
    const struct member *member = find(leaf->names[at + 2]);
    if (!member)
        return "%s: no such name; a handler has topic, qos and run, timeout_s, concurrency, env, "
               "reply, or append, max_kb, or replace, or socket";
    if (!has_its_shape(member, leaf, at))
        return "%s: not in this form";
    return take(handler_at(leaf->elements[at + 1], leaf), member, leaf);
}

const char *th_cli_handlers_check(struct th_json_place *place)
{
    const struct th_cli_handlers *all = reading();
    for (unsigned i = 0; i < all->count; i++) {
        const struct th_cli_handler *handler = &all->list[i];
        *place = handler->place;
        if (!handler->topic || !handler->words || *handler->run[0] != '/')
            return "a handler has a topic, and run, append, replace or socket with a path that "
                   "begins with /%s";
        if (!handler->ways)
            return "timeout_s, concurrency, env and reply are for run, max_kb is for append%s";
    }
    return NULL;
}

bool th_cli_handlers_fill(struct th_cli_problem *problem)
{
    char shown[TH_CLI_SHOWN_BYTES];
    struct th_cli_handlers *all = reading();
    for (struct th_cli_handler *h = all->list; h < all->list + all->count; h++) {
        h->topic = th_cli_template_text(h->topic, problem);
        h->reply = h->topic && h->reply ? th_cli_template_text(h->reply, problem) : NULL;
        *h->run = h->topic && h->way ? th_cli_template_text(*h->run, problem) : *h->run;
        if (!h->topic || *problem->text)
            return false;
        if (h->way == TH_CLI_SOCKET && strlen(*h->run) >= SOCKET_PATH_BYTES)
            return th_cli_problem(problem, "handlers: %s is too long for a socket",
                                  th_cli_show(*h->run, shown));
        if (!th_mqtt_topic_filter_valid(th_slice_text(h->topic)) ||
            !th_mqtt_utf8_clean(th_slice_text(h->topic)))
            return th_cli_problem(problem, "handlers: %s is no topic filter",
                                  th_cli_show(h->topic, shown));
        if (h->reply && (!th_mqtt_topic_name_valid(th_slice_text(h->reply)) ||
                         !th_mqtt_utf8_clean(th_slice_text(h->reply))))
            return th_cli_problem(problem, "handlers: %s is no topic",
                                  th_cli_show(h->reply, shown));
    }
    return true;
}
