#include "cli/rotate.h"

#include "cli/configure.h"
#include "cli/connection.h"
#include "cli/identity.h"
#include "cli/lane.h"
#include "cli/say.h"
#include "json/flat.h"
#include "store/meta.h"

/* So often a connection may end before the new identity has proved itself, for reasons that may or
 * may not lie in it, once the broker is there: some brokers close without a word. */
#define STRIKES 5

#define NOT_AUTHORIZED 0x87 /* MQTT 5.0 section 2.4 */

#define LOOK_AGAIN_MS 100
#define PINGRESP 13 /* 5.0 section 3.13 */

/* Settled; the connection made with the generation before is ended, or that made with the new one;
 * the new one is connecting, or connected and has not proved itself; it is decided. */
enum state { SETTLED, LEAVING, TRIAL, RETURNING, PROVED, REFUSED };

/* By its number: two imports later another one bears its letter. */
struct generation {
    char letter;
    uint64_t number;
};

struct lane {
    const struct th_cli_settings *settings;
    struct th_context *context;
    const struct th_cli_rotate_settings *also;
    bool of_settings; /* they are tried, not an identity */
    enum state state;
    struct generation used, tried;
    char current; /* that which counted when the trial began */
    bool wanted;  /* SIGHUP came */
    bool leave;   /* the connection is to be ended */
    bool unsaved; /* which one counts: somebody else holds the identity */
    bool denied;  /* something was, though not the connection: it does not prove itself any more */
    uint8_t strikes;
};
TH_LANE(struct lane, own);

static struct generation generation_of(const struct th_cli_identity *identity)
{
    struct th_slice number = th_store_meta_value(identity->meta, "generation");
    return (struct generation){identity->generation, th_json_flat_number(number)};
}

void th_cli_rotate_begin(const struct th_cli_settings *settings, struct th_context *context)
{
    own->settings = settings;
    own->context = context;
    own->state = SETTLED;
    own->used = generation_of(th_cli_identity_used());
    own->wanted = th_cli_identity_used()->store.on_trial;
    th_store_wait(0);
}

void th_cli_rotate_also(const struct th_cli_rotate_settings *also)
{
    own->also = also;
}

/* Never, where there is no agent. */
static bool is_of_settings(void)
{
    return TH_CLI_AGENT && own->of_settings;
}

bool th_cli_rotate_on_trial(void)
{
    return own->state == TRIAL;
}

void th_cli_rotate_wish(void)
{
    own->wanted = true;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static int open_generation(struct th_cli_identity *identity, char letter, enum th_store_mode mode,
                           struct th_fault *fault)
{
    return th_cli_identity_open(identity, own->settings, own->settings->identity, letter, mode,
                                fault);
}

/* A number of 0: it cannot be read. */
static int look_at(char letter)
{
    struct th_fault unheard = {0};
    struct th_cli_identity identity;
    int result = open_generation(&identity, letter, TH_STORE_READ, &unheard);
    own->tried = (struct generation){0};
    if (result == 0)
        own->tried = generation_of(&identity);
    th_cli_identity_close(&identity);
    return result;
}

/* The one that counts, if it is not the one in use; else the other one, if it is newer. */
static int find_candidate(void)
{
    int result = look_at(0);
    if (result == TH_E_TIMEOUT || (own->tried.number && own->tried.number != own->used.number))
        return result;
    result = look_at(own->used.letter == 'a' ? 'b' : 'a');
    if (own->tried.number <= own->used.number)
        own->tried.letter = 0;
    return result;
}

/* Until another one has proved itself the one in use counts: whatever ends us, the next start finds
 * it, and that there was a trial. */
__attribute__((noinline)) static int hold_to_used(void)
{
    struct th_fault unheard = {0};
    struct th_cli_identity identity;
    int result = open_generation(&identity, own->used.letter, TH_STORE_CHANGE, &unheard);
    if (result == 0 && generation_of(&identity).number == own->used.number)
        th_store_hold_to(&identity.store, own->used.letter, &unheard);
    th_cli_identity_close(&identity);
    return result;
}

static int renew(struct th_fault *fault)
{
    struct th_context_config config;
    struct th_cli_identity identity;
    int result = open_generation(&identity, own->tried.letter, TH_STORE_READ, fault);
    if (result < 0)
        return result;
    own->tried = generation_of(&identity);
    own->current = identity.store.current;
    th_cli_identity_configure(&config, own->settings, &identity);
    result = th_context_renew(own->context, &config, fault);
    th_cli_identity_close(&identity);
    return result;
}

/* Where nothing is connected yet, nothing is to be ended. */
static void begin_trial(bool dated)
{
    own->state = dated ? LEAVING : TRIAL;
    own->leave = dated;
    own->denied = false;
    own->strikes = 0;
}

/* The same generation, if there is one: other files and words. */
static int renew_settings(struct th_fault *fault)
{
    struct th_context_config config;
    if (!own->context)
        return 0;
    own->tried = own->used;
    if (own->settings->identity)
        return renew(fault);
    th_cli_configure_context(&config, own->settings);
    return th_context_renew(own->context, &config, fault);
}

/* How often it may fail: once for each broker; oftener if there is nothing to lose. */
static uint8_t patience(void)
{
    uint32_t brokers = own->settings->brokers.count;
    if (th_phase(th_cli_connection_client()) != TH_PHASE_UP || brokers > STRIKES)
        return STRIKES;
    return brokers ? (uint8_t)brokers : 1;
}

static void start_settings(bool dated)
{
    struct th_fault fault = {0};
    if (renew_settings(&fault) < 0) {
        own->also->settle(fault.text);
        return;
    }
    own->of_settings = true;
    begin_trial(dated);
    own->strikes = STRIKES - patience();
    if (!dated)
        th_cli_connection_reconfigure();
}

/* True: an identity is the next to be asked for. */
static bool try_settings(bool dated)
{
    if (!TH_CLI_AGENT || !own->also)
        return true;
    int found = own->also->begin();
    own->wanted = found == TH_CLI_ROTATE_LATER;
    if (found == TH_CLI_ROTATE_TRIED)
        start_settings(dated);
    return found == TH_CLI_ROTATE_NOTHING && own->settings->identity;
}

static void try_identity(bool dated)
{
    struct th_fault fault = {0};
    int result = find_candidate();
    bool found = own->tried.letter;
    if (result != TH_E_TIMEOUT && found) {
        result = hold_to_used();
        if (result != TH_E_TIMEOUT)
            result = renew(&fault);
    }
    own->wanted = result == TH_E_TIMEOUT;
    if (own->wanted)
        return;
    if (!found || result < 0) {
        th_cli_warn("%s; the one in use goes on",
                    found ? fault.text : "the identity has no newer generation");
        return;
    }
    th_cli_say("trying generation %c of the identity", own->tried.letter);
    begin_trial(dated);
}

/* A function of its own in the binary, too: what it needs of the stack would else be needed as long
 * as the connection is. */
__attribute__((noinline)) static void start(bool dated)
{
    if (try_settings(dated))
        try_identity(dated);
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* From now on it counts, unless somebody has changed that meanwhile; its files are those that are
 * read again. */
__attribute__((noinline)) static void save(void)
{
    struct th_fault fault = {0};
    struct th_cli_identity identity;
    struct th_context_config files;
    int result = open_generation(&identity, own->used.letter, TH_STORE_CHANGE, &fault);
    own->unsaved = result == TH_E_TIMEOUT;
    if (result == 0 && generation_of(&identity).number == own->used.number) {
        if (identity.store.current == own->current &&
            (own->current != own->used.letter || identity.store.on_trial))
            result = th_store_promote(&identity.store, own->used.letter, &fault);
        th_cli_identity_sources(&files, own->settings, own->settings->identity, &identity);
        th_cli_identity_watch(&identity);
    }
    if (result < 0 && !own->unsaved)
        th_cli_complain("%s", fault.text);
    th_cli_identity_close(&identity);
}

static void settle(void)
{
    if (own->state >= PROVED) {
        if (own->context)
            th_context_settle(own->context, own->state == PROVED);
        if (own->state == PROVED && !is_of_settings())
            own->used = own->tried;
        if (own->state == PROVED && is_of_settings())
            own->also->settle(NULL);
        own->unsaved = !is_of_settings();
        own->of_settings = false;
        own->state = SETTLED;
    }
    if (own->unsaved)
        save();
}

bool th_cli_rotate_turn(bool dated)
{
    settle();
    if (own->wanted && own->state == SETTLED && !own->unsaved)
        start(dated);
    bool leave = own->leave;
    own->leave = false;
    return leave;
}

int th_cli_rotate_wait_ms(void)
{
    return own->unsaved || (own->wanted && own->state == SETTLED) ? LOOK_AGAIN_MS : -1;
}

void th_cli_rotate_end(void)
{
    th_store_wait(TH_STORE_WAIT_MS);
    settle();
}

/* ---- on trial -------------------------------------------------------------------------------- */

static void prove(void)
{
    if (own->state != TRIAL || own->denied)
        return;
    own->state = PROVED;
    if (!is_of_settings())
        th_cli_say("generation %c of the identity has proved itself; it counts now",
                   own->tried.letter);
}

static bool go_back(enum state state, const char *why)
{
    own->state = state;
    own->leave = state == RETURNING;
    if (is_of_settings())
        own->also->settle(why);
    else
        th_cli_warn("generation %c was refused: %s; back to the one before",
                    own->tried.letter, why);
    return true;
}

/* Whoever cannot be reached, is busy or goes away says nothing about who we are. */
static bool is_refusal(const struct th_event *event)
{
    if (is_of_settings())
        return event->redial_in_ms < 0 || ++own->strikes >= STRIKES;
    switch (event->fault->code) {
    case TH_E_CLIENT_CERTIFICATE:
    case TH_E_CERTIFICATE: /* of the broker's, by the roots that came with ours */
    case TH_E_CIPHER_SUITE:
    case TH_E_AUTHENTICATION:
    case TH_E_MEMORY:
        return true;
    case TH_E_REFUSED:
        return event->redial_in_ms < 0;
    default:
        return event->fault->phase >= TH_PHASE_SHAKING && ++own->strikes == STRIKES;
    }
}

static bool is_granted(const struct th_event *event)
{
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        if (event->codes.data[i] >= 0x80)
            return false;
    return true;
}

static bool hear_of_end(const struct th_event *event)
{
    if (own->state == TRIAL)
        return event->fault->code && is_refusal(event) && go_back(REFUSED, event->fault->text);
    if (own->state != LEAVING && own->state != RETURNING)
        return false;
    own->state = own->state == LEAVING ? TRIAL : REFUSED;
    return true;
}

static bool hear_of_subscription(const struct th_event *event)
{
    if (own->state == TRIAL && !is_granted(event))
        return go_back(RETURNING, "it may not subscribe");
    prove();
    return false;
}

/* What else is wrong with a message is not who sent it, and proves nothing. */
static bool hear_of_message(const struct th_event *event)
{
    if (own->state == TRIAL && event->reason == NOT_AUTHORIZED)
        go_back(RETURNING, "it may not publish");
    own->denied |= event->reason >= 0x80;
    if (event->packet_id)
        prove();
    return false; /* whoever sent it wants to know */
}

bool th_cli_rotate_event(const struct th_event *event)
{
    switch (event->kind) {
    case TH_EVENT_DISCONNECTED:
        return hear_of_end(event);
    case TH_EVENT_SUBSCRIBED:
        return hear_of_subscription(event);
    case TH_EVENT_PUBLISHED:
        return hear_of_message(event);
    default:
        return false;
    }
}

void th_cli_rotate_packet(const struct th_packet_note *note)
{
    if (note->type == PINGRESP)
        prove();
}
