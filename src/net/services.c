#include "net/services.h"

#include "crypt/random.h"

#include <string.h>

/* Room for one more, if it is wanted more than the least wanted of a full list. */
static struct th_net_service *room_for(struct th_net_services *services, uint16_t priority)
{
    struct th_net_service *least = services->list;
    if (services->count < TH_NET_SERVICES_MAX)
        return &services->list[services->count++];
    for (size_t i = 1; i < services->count; i++)
        if (services->list[i].priority > least->priority)
            least = &services->list[i];
    return priority < least->priority ? least : NULL;
}

void th_net_services_add(struct th_net_services *services, const struct th_net_service *service)
{
    struct th_net_service *room = room_for(services, service->priority);
    if (room)
        memcpy(room, service, sizeof *room);
}

static bool is_lucky(uint16_t weight, uint32_t sum)
{
    uint32_t random = 0;
    th_crypt_random(&random, sizeof random);
    return weight && random % sum < weight;
}

/* Each of the lowest priority displaces those before it with a chance of weight in sum. */
const struct th_net_service *th_net_services_next(struct th_net_services *services)
{
    struct th_net_service *next = NULL, *end = services->list + services->count;
    uint32_t sum = 0;
    for (struct th_net_service *at = services->list; at < end; at++) {
        int lower = next ? next->priority - at->priority : 1;
        if (at->drawn || lower < 0)
            continue;
        sum = lower ? at->weight : sum + at->weight;
        if (lower || is_lucky(at->weight, sum))
            next = at;
    }
    if (next)
        next->drawn = true;
    return next;
}
