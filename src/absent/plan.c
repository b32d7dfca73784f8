#include "absent/absent.h"

#include <thimble/plan.h>

int th_plan(struct th_client *client, const struct th_plan_config *config, struct th_plan *plan,
            struct th_fault *fault)
{
    (void)client, (void)config, (void)plan;
    return th_absent(fault, "plan of memory");
}
