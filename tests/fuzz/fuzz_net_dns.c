/* The reply of a name server. The first byte chooses the question; with its second bit set the
 * bytes that follow are a whole message, else what comes after a matching header and question. */
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
    struct th_net_question question = {data[0] & 1 ? TH_NET_A : TH_NET_AAAA, 0x4142};
    struct th_net_addresses found = {.count = 0};
    uint8_t *message = malloc(TH_NET_QUERY_BYTES + bytes);
    size_t length = bytes - 1;
    if (data[0] & 2)
        memcpy(message, data + 1, length);
    else
        length = matching_message(message, &question, data + 1, length);
    uint8_t *exact = malloc(length ? length : 1);
    memcpy(exact, message, length);
    if (th_net_dns_decode(exact, length, name, &question, &found) != TH_NET_ANSWER_GIVEN)
        expect(found.count == 0);
    check(&found, question.type);
    free(exact);
    free(message);
    return 0;
}
