/* A plugin for mosquitto 2 that speaks SCRAM-SHA-256 (RFC 5802, RFC 7677) with OpenSSL, for one
 * client at a time. Options: plugin_opt_password; plugin_opt_iterations; plugin_opt_lie: it does
 * not know the password, and says yes to everybody. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define mosq_EXPORT
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

enum { SUCCESS = 0, AUTH_CONTINUE = -4, AUTH = 11, NOT_SUPPORTED = 10 };

#define HASH_BYTES 32
#define TEXT_BYTES 1024
#define NONCE_OF_OURS "3rfcNHYJY1ZVvWVs7j"

static const unsigned char salt[] = "sixteen bytes...";

static mosquitto_plugin_id_t *plugin;
static char password[200];
static int iterations = 4096;
static int lies;

static char first[TEXT_BYTES];     /* what the client said, without the header */
static char challenge[TEXT_BYTES];

static void hmac(const unsigned char *key, const char *text, unsigned char *value)
{
    HMAC(EVP_sha256(), key, HASH_BYTES, (const unsigned char *)text, strlen(text), value, NULL);
}

static void keys(unsigned char *stored, unsigned char *server)
{
    unsigned char salted[HASH_BYTES], client[HASH_BYTES];
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, sizeof salt - 1, iterations,
                      EVP_sha256(), HASH_BYTES, salted);
    hmac(salted, "Client Key", client);
    hmac(salted, "Server Key", server);
    EVP_Digest(client, HASH_BYTES, stored, NULL, EVP_sha256(), NULL);
}

static int reply(struct mosquitto_evt_extended_auth *event, const char *text, int result)
{
    event->data_out_len = (uint16_t)strlen(text);
    event->data_out = mosquitto_malloc(event->data_out_len);
    memcpy(event->data_out, text, event->data_out_len);
    return result;
}

static int copy(const struct mosquitto_evt_extended_auth *event, char text[TEXT_BYTES])
{
    return snprintf(text, TEXT_BYTES, "%.*s", (int)event->data_in_len,
                    (const char *)event->data_in) < TEXT_BYTES;
}

static int on_start(int kind, void *data, void *arg)
{
    struct mosquitto_evt_extended_auth *event = data;
    char text[TEXT_BYTES], user[TEXT_BYTES], encoded[100];
    (void)kind, (void)arg;
    if (strcmp(event->auth_method, "SCRAM-SHA-256"))
        return NOT_SUPPORTED;
    if (!copy(event, text) || strncmp(text, "n,,n=", 5) || !strstr(text, ",r="))
        return AUTH;
    strcpy(first, text + 3);
    snprintf(user, sizeof user, "%.*s", (int)strcspn(first + 2, ","), first + 2);
    mosquitto_set_username(event->client, user);
    EVP_EncodeBlock((unsigned char *)encoded, salt, sizeof salt - 1);
    snprintf(challenge, sizeof challenge, "r=%.200s" NONCE_OF_OURS ",s=%s,i=%d",
             strstr(first, ",r=") + 3, encoded, iterations);
    return reply(event, challenge, AUTH_CONTINUE);
}

/* Whether the proof, the end of the message, is of the password. */
static int is_proved(const char *proof, const unsigned char *stored, const char *messages)
{
    unsigned char signature[HASH_BYTES], sent[HASH_BYTES + 1], client[HASH_BYTES], hash[HASH_BYTES];
    if (EVP_DecodeBlock(sent, (const unsigned char *)proof, (int)strlen(proof)) != HASH_BYTES + 1)
        return 0;
    hmac(stored, messages, signature);
    for (int i = 0; i < HASH_BYTES; i++)
        client[i] = sent[i] ^ signature[i];
    EVP_Digest(client, HASH_BYTES, hash, NULL, EVP_sha256(), NULL);
    return !memcmp(hash, stored, HASH_BYTES);
}

static int on_continue(int kind, void *data, void *arg)
{
    struct mosquitto_evt_extended_auth *event = data;
    char text[TEXT_BYTES], messages[3 * TEXT_BYTES + 3], verdict[64] = "v=";
    unsigned char stored[HASH_BYTES], server[HASH_BYTES], signature[HASH_BYTES];
    (void)kind, (void)arg;
    char *proof = copy(event, text) ? strstr(text, ",p=") : NULL;
    if (!proof)
        return AUTH;
    *proof = '\0';
    snprintf(messages, sizeof messages, "%s,%s,%s", first, challenge, text);
    keys(stored, server);
    if (!lies && !is_proved(proof + 3, stored, messages))
        return AUTH;
    hmac(server, messages, signature);
    EVP_EncodeBlock((unsigned char *)verdict + 2, signature, HASH_BYTES);
    return reply(event, verdict, SUCCESS);
}

static void take_option(const struct mosquitto_opt *option)
{
    if (!strcmp(option->key, "password"))
        snprintf(password, sizeof password, "%s", option->value);
    if (!strcmp(option->key, "iterations"))
        iterations = atoi(option->value);
    if (!strcmp(option->key, "lie"))
        lies = 1;
}

int mosquitto_plugin_version(int count, const int *versions)
{
    for (int i = 0; i < count; i++)
        if (versions[i] == MOSQ_PLUGIN_VERSION)
            return MOSQ_PLUGIN_VERSION;
    return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **data,
                          struct mosquitto_opt *options, int count)
{
    (void)data;
    plugin = identifier;
    for (int i = 0; i < count; i++)
        take_option(&options[i]);
    mosquitto_callback_register(plugin, MOSQ_EVT_EXT_AUTH_START, on_start, NULL, NULL);
    mosquitto_callback_register(plugin, MOSQ_EVT_EXT_AUTH_CONTINUE, on_continue, NULL, NULL);
    return SUCCESS;
}

int mosquitto_plugin_cleanup(void *data, struct mosquitto_opt *options, int count)
{
    (void)data, (void)options, (void)count;
    mosquitto_callback_unregister(plugin, MOSQ_EVT_EXT_AUTH_START, on_start, NULL);
    mosquitto_callback_unregister(plugin, MOSQ_EVT_EXT_AUTH_CONTINUE, on_continue, NULL);
    return SUCCESS;
}
