/* The reply of a name server. The first byte chooses the question: address or, with its third bit
 * set, services; with its second bit set the bytes that follow are a whole message, else what comes
 * after a matching header and question. */
#include "net/dns.h"

#include <stdlib.h>
#include <string.h>

static const char name[] = "broker.example";

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct th_net_addresses *found, uint16_t type)
{
    expect(found->count <= TH_NET_ADDRESSES_MAX);
    for (size_t i = 0; i < found->count; i++)
        expect(found->list[i].family == (type == TH_NET_A ? AF_INET : AF_INET6));
}

static void check_services(const struct th_net_services *found)
{
    expect(found->count <= TH_NET_SERVICES_MAX);
    for (size_t i = 0; i < found->count; i++)
        expect(th_net_name_is_valid(found->list[i].host));
}

static void decode_services(const uint8_t *message, size_t length,
                            const struct th_net_question *question)
{
    struct th_net_services found = {.count = 0};
    if (th_net_dns_decode_services(message, length, name, question, &found) != TH_NET_ANSWER_GIVEN)
        expect(found.count == 0);
    check_services(&found);
    for (size_t i = 0; i < found.count; i++)
        expect(th_net_services_next(&found) != NULL);
    expect(!th_net_services_next(&found));
}

static void decode_addresses(const uint8_t *message, size_t length,
                             const struct th_net_question *question)
{
    struct th_net_addresses found = {.count = 0};
    if (th_net_dns_decode(message, length, name, question, &found) != TH_NET_ANSWER_GIVEN)
        expect(found.count == 0);
    check(&found, question->type);
}

static uint16_t chosen_type(uint8_t choice)
{
    if (choice & 4)
        return TH_NET_SRV;
    return choice & 1 ? TH_NET_A : TH_NET_AAAA;
}

/* Flags and the number of answers come from the data, too. */
static size_t matching_message(uint8_t *message, const struct th_net_question *question,
                               const uint8_t *data, size_t bytes)
{
    size_t length = th_net_dns_encode(message, name, question);
    if (bytes < 2)
        return 0;
    message[2] = 0x81 | (data[0] & 2);
    message[3] = data[0] >> 4;
    message[7] = data[1];
    memcpy(message + length, data + 2, bytes - 2);
    return length + bytes - 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 1)
        return 0;
    struct th_net_question question = {chosen_type(data[0]), 0x4142};
    uint8_t *message = malloc(TH_NET_QUERY_BYTES + bytes);
    size_t length = bytes - 1;
    if (data[0] & 2)
        memcpy(message, data + 1, length);
    else
        length = matching_message(message, &question, data + 1, length);
    uint8_t *exact = malloc(length ? length : 1);
    memcpy(exact, message, length);
    if (question.type == TH_NET_SRV)
        decode_services(exact, length, &question);
    else
        decode_addresses(exact, length, &question);
    free(exact);
    free(message);
    return 0;
}
