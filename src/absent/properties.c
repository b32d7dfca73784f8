#include "cli/properties.h"

/* No option gives one. */
bool th_cli_property_is_pair(const char *name)
{
    (void)name;
    return false;
}

bool th_cli_property_add(struct th_cli_properties *properties, int command, const char *packet,
                         const char *name, const char *value, const char *value2,
                         struct th_cli_problem *problem)
{
    (void)properties, (void)command, (void)packet, (void)name, (void)value, (void)value2;
    (void)problem;
    return false;
}
