#include "cli/given.h"

bool th_cli_option_is_given(const struct th_cli_settings *s, const struct th_cli_option *option)
{
    const void *place = (const char *)s + option->offset;
    if (option->kind == TH_CLI_FLAG)
        return *(const bool *)place;
    if (th_cli_is_number(option))
        return *(const int64_t *)place != TH_CLI_UNSET;
    if (option->kind == TH_CLI_LIST)
        return ((const struct th_cli_list *)place)->count > 0;
    if (option->kind == TH_CLI_PROPERTY)
        return ((const struct th_cli_properties *)place)->count > 0;
    return *(const char *const *)place != NULL;
}

const struct th_cli_option *th_cli_option_at(uint16_t offset)
{
    for (size_t i = 0; i < th_cli_options_count; i++)
        if (th_cli_options[i].offset == offset && th_cli_options[i].kind != TH_CLI_DECLINED)
            return &th_cli_options[i];
    return NULL;
}

bool th_cli_is_given(const struct th_cli_settings *s, uint16_t offset)
{
    const struct th_cli_option *option = th_cli_option_at(offset);
    return option && th_cli_option_is_given(s, option);
}

const char *th_cli_name_of(uint16_t offset, char text[TH_CLI_OPTION_NAME_BYTES])
{
    return th_cli_option_name(th_cli_option_at(offset), text);
}

bool th_cli_is_of_tls(const struct th_cli_option *option)
{
    return option->offset >= offsetof(struct th_cli_settings, cafile) &&
           option->offset <= offsetof(struct th_cli_settings, key_form);
}

const struct th_cli_option *th_cli_first_of_tls(const struct th_cli_settings *s)
{
    for (size_t i = 0; i < th_cli_options_count; i++)
        if (th_cli_is_of_tls(&th_cli_options[i]) && th_cli_option_is_given(s, &th_cli_options[i]))
            return &th_cli_options[i];
    return NULL;
}
