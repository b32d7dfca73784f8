#include "cli/rotate.h"

#include "cli/configure.h"
#include "cli/identity.h"
#include "cli/say.h"
#include "json/flat.h"
#include "store/meta.h"

/* Settled; the connection made with the generation before is ended; the new one is connecting, or
 * connected and has not proved itself. */
enum state { SETTLED, LEAVING, TRIAL };

static struct {
    const struct th_cli_settings *settings;
    struct th_context *context;
    enum state state;
    char used;
    char tried;
} own;

void th_cli_rotate_begin(const struct th_cli_settings *settings, struct th_context *context,
                         char generation)
{
    own.settings = settings;
    own.context = context;
    own.state = SETTLED;
    own.used = generation;
}

bool th_cli_rotate_on_trial(void)
{
    return own.state == TRIAL;
}

/* ---- which ----------------------------------------------------------------------------------- */

static int open_generation(struct th_cli_identity *identity, char generation,
                           enum th_store_mode mode, struct th_fault *fault)
{
    return th_cli_identity_open(identity, own.settings, own.settings->identity, generation, mode,
                                fault);
}

static uint64_t number_of(char generation)
{
    struct th_fault unheard = {0};
    struct th_cli_identity identity;
    if (open_generation(&identity, generation, TH_STORE_READ, &unheard) < 0)
        return 0;
    uint64_t number = th_json_flat_number(th_store_meta_value(identity.meta, "generation"));
    th_cli_identity_close(&identity);
    return number;
}

/* The one that counts, if it is not the one in use; else the other one, if it is newer. */
static char find_candidate(void)
{
    struct th_fault unheard = {0};
    struct th_cli_identity identity;
    char other = own.used == 'a' ? 'b' : 'a';
    if (open_generation(&identity, 0, TH_STORE_READ, &unheard) == 0) {
        char current = identity.store.current;
        th_cli_identity_close(&identity);
        if (current != own.used)
            return current;
    }
    return number_of(other) > number_of(own.used) ? other : 0;
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* The settings name the files where the sources are told to be. */
static int renew(char generation, struct th_fault *fault)
{
    struct th_context_config config, files;
    struct th_cli_identity identity;
    int result = open_generation(&identity, generation, TH_STORE_READ, fault);
    if (result < 0)
        return result;
    th_cli_identity_sources(&files, own.settings, own.settings->identity, &identity);
    th_cli_configure_context(&config, own.settings);
    result = th_context_renew(own.context, &config, fault);
    th_cli_identity_close(&identity);
    return result;
}

/* A function of its own in the binary, too: what it needs of the stack would else be needed as long
 * as the connection is. */
__attribute__((noinline)) bool th_cli_rotate_start(void)
{
    struct th_fault fault = {0};
    if (own.state != SETTLED)
        return false;
    own.tried = find_candidate();
    if (!own.tried) {
        th_cli_say("the identity has no newer generation; the one in use goes on");
        return false;
    }
    if (renew(own.tried, &fault) < 0) {
        th_cli_say("generation %c: %s; the one in use goes on", own.tried, fault.text);
        return false;
    }
    th_cli_say("trying generation %c of the identity", own.tried);
    own.state = LEAVING;
    return true;
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* From now on it counts, whatever counted before; its files are those that are read again. */
static void promote(char generation)
{
    struct th_fault fault = {0};
    struct th_cli_identity identity;
    struct th_context_config files;
    int result = open_generation(&identity, generation, TH_STORE_CHANGE, &fault);
    if (result == 0 && identity.store.current != generation)
        result = th_store_promote(&identity.store, generation, &fault);
    if (result < 0) {
        th_cli_complain("%s", fault.text);
        return;
    }
    th_cli_identity_sources(&files, own.settings, own.settings->identity, &identity);
    th_cli_identity_watch(&identity);
    th_cli_identity_close(&identity);
}

/* Likewise, from within the callback of an event. */
__attribute__((noinline)) static void settle(bool proved)
{
    own.state = SETTLED;
    th_context_settle(own.context, proved);
    if (proved)
        own.used = own.tried;
    promote(own.used);
}

static bool is_granted(const struct th_event *event)
{
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        if (event->codes.data[i] >= 0x80)
            return false;
    return true;
}

/* Acknowledged by the broker: a message of QoS 1 or 2, or a subscription. */
static bool is_proof(const struct th_event *event)
{
    if (event->kind == TH_EVENT_PUBLISHED)
        return event->packet_id && event->reason < 0x80;
    return event->kind == TH_EVENT_SUBSCRIBED && is_granted(event);
}

static bool end_trial(const struct th_event *event)
{
    th_cli_say("generation %c did not prove itself: %s; back to generation %c", own.tried,
               event->fault->text, own.used);
    settle(false);
    return true;
}

bool th_cli_rotate_event(const struct th_event *event)
{
    bool ended = event->kind == TH_EVENT_DISCONNECTED;
    if (own.state == LEAVING && ended) {
        own.state = TRIAL;
        return true;
    }
    if (own.state != TRIAL)
        return false;
    if (ended)
        return end_trial(event);
    if (is_proof(event)) {
        settle(true);
        th_cli_say("generation %c of the identity has proved itself; it counts now", own.used);
    }
    return false;
}
