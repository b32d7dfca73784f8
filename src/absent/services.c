/* Whoever asks for SRV records is told that there are none. */
#include "net/services.h"

void th_net_services_add(struct th_net_services *services, const struct th_net_service *service)
{
    (void)services, (void)service;
}

const struct th_net_service *th_net_services_next(struct th_net_services *services)
{
    (void)services;
    return NULL;
}
