#include "absent/absent.h"
#include "crypt/hardware.h"

int th_crypt_hardware_open(const char *path, struct th_fault *fault)
{
    return path ? th_absent(fault, "hardware random source") : 0;
}

void th_crypt_hardware_close(void)
{
}

bool th_crypt_hardware_mix(uint8_t *seed, size_t bytes)
{
    (void)seed, (void)bytes;
    return true;
}
