#include "base/base64.h"

void th_base64_group(const uint8_t *data, size_t bytes, char text[4])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; i++)
        bits = bits << 8 | (i < bytes ? data[i] : 0u);
    for (size_t i = 0; i < 4; i++)
        text[i] = i <= bytes ? digits[bits >> (18 - 6 * i) & 63] : '=';
}
