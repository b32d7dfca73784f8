#include "cli/exit.h"

#include <stdint.h>
#include <string.h>

#define ENTRY(name, meaning, remedy) name "\0" TH_EXPLAINED(meaning "\0" remedy)

const struct th_cli_exit th_cli_exits[] = {
    {ENTRY("ok", "Everything that was asked for was done.",
           ""),
     TH_CLI_OK},
    {ENTRY("protocol-error", "The broker sent something that MQTT does not allow.",
           "See with -d what came last; check that the port speaks MQTT, and report it to the "
           "broker's makers."),
     TH_CLI_PROTOCOL},
    {ENTRY("not-connected", "No address of the broker accepted a TCP connection.",
           "Check -h and -p, that the broker runs, and that no firewall stands between."),
     TH_CLI_NOT_CONNECTED},
    {ENTRY("connection-lost", "The connection ended before the work was done.",
           "Look at the broker's log. A broker that closes right after a publish or subscribe "
           "often means that its rules forbid the topic; one that closes at once may want TLS, or "
           "none. --retry sets how often to connect again."),
     TH_CLI_LOST},
    {ENTRY("tls-error", "TLS failed in a way no other code describes.",
           "Check that the port speaks TLS (8883 usually does, 1883 usually does not); see more "
           "with -d."),
     TH_CLI_TLS},
    {ENTRY("system-error", "The operating system refused a call; the message names it.",
           "The sentence after the colon is the system's own."),
     TH_CLI_SYSTEM},
    {ENTRY("proxy-failed", "The proxy did not connect us; the message says why.",
           "Check --proxy: it must speak SOCKS5, know the user name, and reach the broker."),
     TH_CLI_PROXY},
    {ENTRY("name-lookup-failed",
           "The broker's name has no address, or no name server answered.",
           "Check the spelling of -h, /etc/resolv.conf and /etc/hosts; an address works without a "
           "name server."),
     TH_CLI_LOOKUP},
    {ENTRY("too-large", "A message or packet exceeds a limit; the message names it.",
           "Send less at a time, or choose a profile with a larger outbox when building."),
     TH_CLI_TOO_LARGE},
    {ENTRY("timeout", "A deadline passed: of a phase (named), or of -W.",
           "--timeout and its siblings set the deadlines."),
     TH_CLI_TIMEOUT},
    {ENTRY("refused", "The broker said no; its reason code is in the message.",
           "Reason codes are listed in section 2.4 of the MQTT 5 standard."),
     TH_CLI_REFUSED},
    {ENTRY("not-authorized", "The broker does not allow us that.",
           "Check user name and password, for some brokers say it of these too; and its access "
           "rules for this user name, certificate, client id and topic."),
     TH_CLI_NOT_AUTHORIZED},
    {ENTRY("bad-credentials", "The broker does not accept user name and password, or the key.",
           "Check -u and the password; a password file counts up to the end of its first line. "
           "With --psk check the key and --psk-identity, with --auth whether the broker has the "
           "method."),
     TH_CLI_CREDENTIALS},
    {ENTRY("client-id-refused", "The broker does not accept the client identifier.",
           "Give another one with -i; some brokers take only letters and digits, at most 23, and "
           "not none."),
     TH_CLI_CLIENT_ID},
    {ENTRY("mqtt-version-refused", "The broker does not speak this version of MQTT.",
           "Try -V mqttv311 or -V mqttv5."),
     TH_CLI_MQTT_VERSION},
    {ENTRY("broker-unavailable", "The broker is busy or shutting down.",
           "Try again later; --retry does that."),
     TH_CLI_UNAVAILABLE},
    {ENTRY("quota-exceeded", "The broker's quota or rate limit is reached.",
           "Send less, or less often."),
     TH_CLI_QUOTA},
    {ENTRY("session-taken-over", "Another client connected with our identifier.",
           "Give each client its own -i."),
     TH_CLI_TAKEN_OVER},
    {ENTRY("subscription-refused", "The broker refused a subscription.",
           "Check its access rules for this topic, and the spelling of the filter."),
     TH_CLI_SUBSCRIPTION},
    {ENTRY("usage", "The command line is wrong; nothing was opened or sent.",
           "The message names the option, its value and the remedy."),
     TH_CLI_USAGE},
    {ENTRY("invalid-content", "A certificate or key is readable, but not what it must be.",
           "The message says what: give the leaf first, each issuer behind what it signed, and no "
           "certificate of an authority as ours."),
     TH_CLI_INVALID_CONTENT},
    {ENTRY("file-unusable", "A file that was named cannot be opened, read or written.",
           "Check its path and permissions."),
     TH_CLI_FILE},
    {ENTRY("file-format", "A certificate, key or password file has no usable content.",
           "Certificates and keys are PEM or DER; keys PKCS#8, SEC1 or PKCS#1."),
     TH_CLI_FILE_FORMAT},
    {ENTRY("certificate-unacceptable",
           "A certificate is too weak, damaged or forged.",
           "RSA needs 2048 bits, EC 256, the signature SHA-256 or better; an extension nobody "
           "understands must not be critical."),
     TH_CLI_CERTIFICATE},
    {ENTRY("corrupted", "A file is cut off or damaged, or not what was stored.",
           "Copy it again from where it came; thimble identity rollback has the one before."),
     TH_CLI_CORRUPTED},
    {ENTRY("certificate-expired", "A certificate has expired, of the broker's chain or ours.",
           "Renew it; or check the clock of this machine."),
     TH_CLI_EXPIRED},
    {ENTRY("key-mismatch", "The private key does not belong to the certificate.",
           "Name the pair that was issued together."),
     TH_CLI_KEY_MISMATCH},
    {ENTRY("unknown-ca", "No authority in --cafile has signed the broker's chain.",
           "Give the root certificate of the broker's authority; the broker sends the "
           "intermediates."),
     TH_CLI_UNKNOWN_CA},
    {ENTRY("wrong-host", "The broker's certificate is for another name.",
           "Connect with a name (or address) that stands in its subjectAltName; the encryption is "
           "fine, the name is not."),
     TH_CLI_WRONG_HOST},
    {ENTRY("certificate-revoked", "The broker's certificate, or one above it, was revoked.",
           "Have a new one issued for the broker; if its key was stolen, that is not who it says."),
     TH_CLI_REVOKED},
    {ENTRY("pin-mismatch", "The broker's key, or its authority's, is none of those pinned.",
           "If it was changed on purpose, pin the one the message shows; else somebody stands "
           "between."),
     TH_CLI_PIN_MISMATCH},
    {ENTRY("client-certificate-refused",
           "The broker wants a certificate from us, or does not accept ours.",
           "Give --cert and --key, signed by an authority the broker trusts, not expired."),
     TH_CLI_CLIENT_CERTIFICATE},
    {ENTRY("nothing-shared",
           "We and the broker share no TLS version, cipher suite, group or protocol.",
           "thimble offers TLS 1.2 and 1.3 with ECDHE and AEAD only; see --tls-version and "
           "--tls-alpn."),
     TH_CLI_NOTHING_SHARED},
    {ENTRY("sandbox-incomplete", "A part of the sandbox is not to be had here; nothing was sent.",
           "--sandbox=auto goes on with the other parts; the newest kernels have all."),
     TH_CLI_UNLOCKED},
    {ENTRY("wrong-usage", "A certificate is used for what it was not issued for.",
           "A server needs the usages serverAuth and digitalSignature, an authority CA:TRUE and "
           "keyCertSign; path lengths and name constraints hold."),
     TH_CLI_WRONG_USAGE},
    {ENTRY("clock-implausible", "The clock says a date before this program was built.",
           "Set it, or name a time server with --sntp; --clock and --clock-timeout say what to do "
           "until it is right."),
     TH_CLI_CLOCK},
    {ENTRY("not-yet-valid", "A certificate is not valid yet, of the broker's chain or ours.",
           "Most often the clock of this machine is behind: set it."),
     TH_CLI_NOT_YET_VALID},
    {ENTRY("bad-permissions", "Others may read or change what only its user should.",
           "The message names it: chmod 600 for a file, 700 for a directory, and its owner."),
     TH_CLI_BAD_PERMISSIONS},
    {ENTRY("no-entropy", "The kernel's random pool is not ready; nothing was sent.",
           "Wait after booting, or feed the kernel from a hardware source."),
     TH_CLI_ENTROPY},
    {ENTRY("out-of-memory", "A pool is too small; the message names pool, phase and size.",
           "--mem-report shows the pools; raise a lowered budget, or build with a larger profile. "
           "Of authorities give the one that counts, not all of the system's."),
     TH_CLI_MEMORY},
    {ENTRY("internal-error", "thimble broke one of its own rules.",
           "Please report it, with the message and the output of thimble version."),
     TH_CLI_INTERNAL},
    {ENTRY("interrupted", "Ended by SIGINT before the work was done.",
           ""),
     TH_CLI_INTERRUPTED},
    {ENTRY("output-closed", "Whoever reads standard output has gone.",
           ""),
     TH_CLI_OUTPUT_CLOSED},
    {ENTRY("terminated", "Ended by SIGTERM before the work was done.",
           ""),
     TH_CLI_TERMINATED},
};

const size_t th_cli_exits_count = sizeof th_cli_exits / sizeof *th_cli_exits;

static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

const char *th_cli_exit_meaning(const struct th_cli_exit *exit)
{
    return behind(exit->name);
}

const char *th_cli_exit_remedy(const struct th_cli_exit *exit)
{
    return behind(th_cli_exit_meaning(exit));
}

const struct th_cli_exit *th_cli_exit_find(int status)
{
    for (size_t i = 0; i < th_cli_exits_count; i++)
        if (th_cli_exits[i].status == status)
            return &th_cli_exits[i];
    return NULL;
}

const char *th_cli_exit_state(int status)
{
    const struct th_cli_exit *exit = th_cli_exit_find(status);
    return status && exit ? exit->name : "valid";
}

struct pair {
    int16_t from;
    uint8_t status;
};

static int look_up(const struct pair *pairs, size_t count, int from, int otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].from == from)
            return pairs[i].status;
    return otherwise;
}

#define LOOK_UP(pairs, from, otherwise) \
    look_up(pairs, sizeof pairs / sizeof *pairs, from, otherwise)

/* MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 2.4. */
static const struct pair reasons[] = {
    {1, TH_CLI_MQTT_VERSION},     {2, TH_CLI_CLIENT_ID},        {3, TH_CLI_UNAVAILABLE},
    {4, TH_CLI_CREDENTIALS},      {5, TH_CLI_NOT_AUTHORIZED},   {0x84, TH_CLI_MQTT_VERSION},
    {0x85, TH_CLI_CLIENT_ID},     {0x86, TH_CLI_CREDENTIALS},   {0x87, TH_CLI_NOT_AUTHORIZED},
    {0x88, TH_CLI_UNAVAILABLE},   {0x89, TH_CLI_UNAVAILABLE},   {0x8b, TH_CLI_UNAVAILABLE},
    {0x8c, TH_CLI_CREDENTIALS},   {0x8e, TH_CLI_TAKEN_OVER},    {0x95, TH_CLI_TOO_LARGE},
    {0x96, TH_CLI_QUOTA},         {0x97, TH_CLI_QUOTA},         {0x9f, TH_CLI_QUOTA},
};

static struct {
    bool as_mosquitto;
    int theirs; /* what they would end with, if it does not follow from our status */
} spoken;

int th_cli_exit_of_reason(int reason)
{
    spoken.theirs = reason;
    return LOOK_UP(reasons, reason, TH_CLI_REFUSED);
}

static const struct pair errors[] = {
    {TH_OK, TH_CLI_OK},
    {TH_E_TLS, TH_CLI_TLS},
    {TH_E_HANDSHAKE, TH_CLI_TLS},
    {TH_E_CIPHER_SUITE, TH_CLI_NOTHING_SHARED},
    {TH_E_CLOSED, TH_CLI_LOST},
    {TH_E_PROTOCOL, TH_CLI_PROTOCOL},
    {TH_E_TCP, TH_CLI_NOT_CONNECTED},
    {TH_E_RECEIVE, TH_CLI_LOST},
    {TH_E_LOOKUP, TH_CLI_LOOKUP},
    {TH_E_TIMEOUT, TH_CLI_TIMEOUT},
    {TH_E_MEMORY, TH_CLI_MEMORY},
    {TH_E_ARGUMENT, TH_CLI_USAGE},
    {TH_E_ENTROPY, TH_CLI_ENTROPY},
    {TH_E_TOO_LARGE, TH_CLI_TOO_LARGE},
    {TH_E_CLIENT_CERTIFICATE, TH_CLI_CLIENT_CERTIFICATE},
    {TH_E_SYSTEM, TH_CLI_SYSTEM},
    {TH_E_PROXY, TH_CLI_PROXY},
    {TH_E_AUTHENTICATION, TH_CLI_CREDENTIALS},
    {TH_E_CLOCK, TH_CLI_CLOCK},
};

/* Before the connection is up they know but one failure; then there is MOSQ_ERR_KEEPALIVE. A time
 * limit of the command itself (-W) has no phase. Whatever ends a handshake is their MOSQ_ERR_TLS; a
 * certificate of ours is refused after it. */
static int theirs_of(const struct th_fault *fault)
{
    if (fault->code == TH_E_TIMEOUT && fault->phase != TH_PHASE_RESTING)
        return fault->phase == TH_PHASE_UP ? 19 : 1;
    if (fault->code == TH_E_CLIENT_CERTIFICATE)
        return TH_CLI_LOST;
    return fault->phase == TH_PHASE_SHAKING ? TH_CLI_TLS : 0;
}

int th_cli_exit_of(const struct th_fault *fault)
{
    spoken.theirs = theirs_of(fault);
    switch (fault->code) {
    case TH_E_REFUSED:
        return th_cli_exit_of_reason(fault->reason);
    case TH_E_CERTIFICATE:
        return fault->reason ? fault->reason : TH_CLI_CERTIFICATE;
    case TH_E_SERVER_NAME: /* no name at all, or not the certificate's */
        return fault->phase == TH_PHASE_FINDING ? TH_CLI_LOOKUP : TH_CLI_WRONG_HOST;
    case TH_E_FILE:
        if (fault->reason)
            return fault->reason;
        return fault->sys_errno ? TH_CLI_FILE : TH_CLI_FILE_FORMAT;
    default:
        return LOOK_UP(errors, fault->code, TH_CLI_INTERNAL);
    }
}

void th_cli_exit_as(bool mosquitto)
{
    spoken.as_mosquitto = mosquitto;
    spoken.theirs = 0;
}

/* Their number where it means the same; else 1, their status for nearly everything. */
static bool is_theirs_too(int status)
{
    static const uint8_t same[] = {
        TH_CLI_OK, TH_CLI_PROTOCOL, TH_CLI_LOST, TH_CLI_TLS, TH_CLI_SYSTEM, TH_CLI_PROXY,
        TH_CLI_TOO_LARGE, TH_CLI_TIMEOUT, TH_CLI_INTERRUPTED, TH_CLI_OUTPUT_CLOSED,
        TH_CLI_TERMINATED,
    };
    return memchr(same, status, sizeof same) != NULL;
}

int th_cli_exit_spoken(int status)
{
    if (!spoken.as_mosquitto || status == TH_CLI_OK)
        return status;
    if (spoken.theirs)
        return spoken.theirs;
    return is_theirs_too(status) ? status : 1;
}
