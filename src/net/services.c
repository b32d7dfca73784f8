#include "net/services.h"

#include "crypt/random.h"

static size_t least_wanted(const struct th_net_services *services)
{
    size_t least = 0;
    for (size_t i = 1; i < services->count; i++)
        if (services->list[i].priority > services->list[least].priority)
            least = i;
    return least;
}

void th_net_services_add(struct th_net_services *services, const struct th_net_service *service)
{
    if (services->count < TH_NET_SERVICES_MAX) {
        services->list[services->count++] = *service;
        return;
    }
    struct th_net_service *least = &services->list[least_wanted(services)];
    if (service->priority < least->priority)
        *least = *service;
}

/* Of those that are left the first of the lowest priority. */
static size_t first_wanted(const struct th_net_services *services, size_t from)
{
    size_t first = from;
    for (size_t i = from + 1; i < services->count; i++)
        if (services->list[i].priority < services->list[first].priority)
            first = i;
    return first;
}

static uint32_t draw(uint32_t most)
{
    uint32_t random = 0;
    th_crypt_random(&random, sizeof random);
    return random % (most + 1);
}

static size_t draw_by_weight(const struct th_net_services *services, size_t from)
{
    size_t drawn = first_wanted(services, from);
    uint16_t priority = services->list[drawn].priority;
    uint32_t sum = 0;
    for (size_t i = from; i < services->count; i++) {
        const struct th_net_service *service = &services->list[i];
        if (service->priority != priority || !service->weight)
            continue;
        sum += service->weight;
        if (draw(sum - 1) < service->weight)
            drawn = i;
    }
    return drawn;
}

void th_net_services_order(struct th_net_services *services)
{
    for (size_t i = 0; i + 1 < services->count; i++) {
        size_t drawn = draw_by_weight(services, i);
        struct th_net_service first = services->list[drawn];
        services->list[drawn] = services->list[i];
        services->list[i] = first;
    }
}
