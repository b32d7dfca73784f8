#include "cli/template.h"

#include "base/format.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/configfile.h"
#include "cli/handlers.h"
#include "cli/identity.h"
#include "cli/lane.h"
#include "cli/show.h"
#include "store/meta.h"

#include <stddef.h>
#include <unistd.h>

#define TEXTS_BYTES 16384
#define VALUE_BYTES 128

enum { DEVICE_ID, HOSTNAME, CLIENT_ID, CONNECTION, NAMES };

static const char names[NAMES][12] = {"device_id}", "hostname}", "client_id}", "connection}"};

struct lane {
    char device[VALUE_BYTES];
    char host[VALUE_BYTES];
    struct th_slice values[NAMES];
    struct th_cli_problem *problem;
    size_t used;
};
TH_LANE(struct lane, own);

typedef char filled_texts[TEXTS_BYTES];
TH_LANE_ARRAY(filled_texts, texts, TH_CLI_CONFIGFILE_PLACES);

/* ---- names ----------------------------------------------------------------------------------- */

static bool begins(const char *text)
{
    return text[0] == '$' && text[1] == '{';
}

/* `text` begins behind "${". NAMES: there is none. */
static size_t find(const char *text)
{
    size_t i = 0;
    while (i < NAMES && strncmp(text, names[i], strlen(names[i])))
        i++;
    return i;
}

bool th_cli_template_is(uint16_t offset)
{
    static const uint16_t all[] = {
        offsetof(struct th_cli_settings, client_id), offsetof(struct th_cli_settings, topics),
        offsetof(struct th_cli_settings, will_topic),
        offsetof(struct th_cli_settings, status_topic),
        offsetof(struct th_cli_settings, plain_topics),
    };
    size_t i = 0;
    while (i < sizeof all / sizeof *all && all[i] != offset)
        i++;
    return i < sizeof all / sizeof *all;
}

/* From its "${" up to what ends it, or should. */
static struct th_slice name_at(const char *text)
{
    return th_slice_of(text, strcspn(text, "}/"));
}

bool th_cli_template_check(const char *text, struct th_slice *name)
{
    for (; *text; text++)
        if (text[0] == '$' && begins(text + 1))
            text += 2;
        else if (begins(text) && find(text + 2) == NAMES) {
            *name = name_at(text);
            return false;
        }
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* What stands in a topic without changing its levels, and in JSON as it is. */
static bool is_plain(struct th_slice value)
{
    for (size_t i = 0; i < value.len_bytes; i++)
        if (value.data[i] < ' ' || strchr("/+#\"\\", value.data[i]))
            return false;
    return value.len_bytes > 0;
}

static struct th_slice device_of(const struct th_cli_settings *s)
{
    if (s->device_id || !s->identity)
        return th_slice_text(s->device_id);
    struct th_slice text = th_store_meta_value(th_cli_identity_used()->meta, "device_id");
    return text.len_bytes < 2 ? th_slice_of(NULL, 0)
                              : th_slice_of(text.data + 1, text.len_bytes - 2);
}

/* Kept: what is known of the identity is read again. */
static void learn(const struct th_cli_settings *s)
{
    struct th_slice device = device_of(s);
    th_format(own->device, sizeof own->device, "%.*s", (int)device.len_bytes,
              device.data ? (const char *)device.data : "");
    if (gethostname(own->host, sizeof own->host - 1) < 0)
        *own->host = '\0';
    own->values[DEVICE_ID] = th_slice_text(own->device);
    own->values[HOSTNAME] = th_slice_text(own->host);
    own->values[CLIENT_ID] = th_slice_of(NULL, 0);
    own->values[CONNECTION] = th_slice_text(th_cli_configfile_connection());
}

const char *th_cli_template_device(void)
{
    return is_plain(own->values[DEVICE_ID]) ? own->device : NULL;
}

/* ---- filling in ------------------------------------------------------------------------------ */

static bool refuse(const char *format, struct th_slice what)
{
    char shown[TH_CLI_SHOWN_BYTES];
    return th_cli_problem(own->problem, format, th_cli_show_slice(what, shown));
}

static bool put(const void *data, size_t bytes)
{
    if (bytes > TEXTS_BYTES - own->used)
        return th_cli_problem(own->problem, "templates fill more than 16384 bytes");
    memcpy(texts[th_cli_configfile_place()] + own->used, data, bytes);
    own->used += bytes;
    return true;
}

static bool put_value(const char *text)
{
    size_t which = find(text + 2);
    if (which == NAMES)
        return refuse(TH_CLI_TEMPLATE_UNKNOWN, name_at(text));
    struct th_slice value = own->values[which];
    if (is_plain(value))
        return put(value.data, value.len_bytes);
    return refuse(value.len_bytes ? "%s}: its value has / + # or what JSON has to escape"
                                  : "%s}: there is none; see --device-id, --identity and -i",
                  name_at(text));
}

/* What stands at the beginning of `text`, which goes on behind it. */
static bool put_next(const char **text)
{
    const char *at = *text;
    bool literal = *at == '$' && begins(at + 1);
    if (begins(at)) {
        *text += strcspn(at, "}") + 1;
        return put_value(at);
    }
    *text += literal ? 3 : 1;
    return put(at + literal, literal ? 2 : 1);
}

const char *th_cli_template_text(const char *text, struct th_cli_problem *problem)
{
    const char *filled = texts[th_cli_configfile_place()] + own->used;
    own->problem = problem;
    if (!th_text_find(text, "${"))
        return text;
    while (*text)
        if (!put_next(&text))
            return NULL;
    return put("", 1) ? filled : NULL;
}

static bool fill(const char **text, struct th_cli_problem *problem)
{
    if (*text)
        *text = th_cli_template_text(*text, problem);
    return *text || !*problem->text;
}

static bool fill_list(struct th_cli_list *list, struct th_cli_problem *problem)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (!fill(&list->items[i], problem))
            return false;
    return true;
}

bool th_cli_template_fill(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    *problem->text = '\0';
    own->used = 0;
    learn(s);
    if (!fill(&s->client_id, problem))
        return false;
    own->values[CLIENT_ID] = th_slice_text(s->client_id);
    return fill_list(&s->topics, problem) && fill_list(&s->plain_topics, problem) &&
           fill(&s->will_topic, problem) && fill(&s->status_topic, problem) &&
           th_cli_handlers_fill(problem);
}
