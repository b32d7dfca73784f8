#include "session/table.h"
#include "base/format.h"


/* Every transition of the conversation lives here. What is not in the table is forbidden; a client
 * that is RESTING has no connection a packet could come from.
 *
 * GREETING becomes UP by an accepting CONNACK, every state becomes ENDED by an error or by
 * DISCONNECT, and RESTING when the connection is gone. */
static const uint8_t actions[TH_SESSION_STATES][TH_MQTT_AUTH + 1] = {
    [TH_SESSION_GREETING] = {
        [TH_MQTT_CONNACK] = TH_DO_ACCEPT,
        [TH_MQTT_AUTH] = TH_DO_AUTHENTICATE,
    },
    [TH_SESSION_UP] = {
        [TH_MQTT_PUBLISH] = TH_DO_DELIVER,
        [TH_MQTT_PUBACK] = TH_DO_FINISH,
        [TH_MQTT_PUBREC] = TH_DO_RELEASE,
        [TH_MQTT_PUBREL] = TH_DO_COMPLETE,
        [TH_MQTT_PUBCOMP] = TH_DO_CLOSE_FLOW,
        [TH_MQTT_SUBACK] = TH_DO_GRANT,
        [TH_MQTT_UNSUBACK] = TH_DO_REVOKE,
        [TH_MQTT_PINGRESP] = TH_DO_PONG,
        [TH_MQTT_DISCONNECT] = TH_DO_LEAVE,
        [TH_MQTT_AUTH] = TH_DO_AUTHENTICATE,
    },
};

enum th_session_action th_session_action(enum th_session_state state, unsigned type)
{
    if (state == TH_SESSION_ENDED)
        return TH_DO_IGNORE;
    if (state >= TH_SESSION_STATES || type > TH_MQTT_AUTH)
        return TH_DO_FORBID;
    return (enum th_session_action)actions[state][type];
}

const char *th_session_state_name(enum th_session_state state)
{
    static const char *const names[TH_SESSION_STATES] = {"resting", "greeting", "up", "ended"};
    return (unsigned)state < TH_SESSION_STATES ? names[state] : "unknown";
}

const char *th_session_action_name(enum th_session_action action)
{
    static const char *const names[TH_SESSION_ACTIONS] = {
        "forbid", "ignore", "accept",     "deliver", "finish", "release", "complete",
        "close flow", "grant", "revoke", "pong", "leave", "authenticate",
    };
    return (unsigned)action < TH_SESSION_ACTIONS ? names[action] : "unknown";
}

struct page {
    char *text;
    size_t bytes;
    size_t used;
};

static void print(struct page *page, const char *word, const char *end)
{
    size_t left = page->used < page->bytes ? page->bytes - page->used : 0;
    page->used += (size_t)th_format(left ? page->text + page->used : NULL, left, "%-13s%s", word,
                                   end);
}

static void print_heading(struct page *page)
{
    print(page, "", "");
    for (unsigned state = 0; state < TH_SESSION_STATES; state++)
        print(page, th_session_state_name(state), state + 1 < TH_SESSION_STATES ? "" : "\n");
}

static void print_line(struct page *page, unsigned type)
{
    print(page, th_mqtt_type_name(type), "");
    for (unsigned state = 0; state < TH_SESSION_STATES; state++)
        print(page, th_session_action_name(th_session_action(state, type)),
              state + 1 < TH_SESSION_STATES ? "" : "\n");
}

size_t th_session_table_print(char *text, size_t text_bytes)
{
    struct page page = {text, text_bytes, 0};
    print_heading(&page);
    for (unsigned type = TH_MQTT_CONNECT; type <= TH_MQTT_AUTH; type++)
        print_line(&page, type);
    return page.used;
}
