#include "../mqtt/wire.h"

#include "session/table.h"

static const char wall[] =
    "             resting      greeting     up           ended        \n"
    "CONNECT      forbid       forbid       forbid       ignore       \n"
    "CONNACK      forbid       accept       forbid       ignore       \n"
    "PUBLISH      forbid       forbid       deliver      ignore       \n"
    "PUBACK       forbid       forbid       finish       ignore       \n"
    "PUBREC       forbid       forbid       release      ignore       \n"
    "PUBREL       forbid       forbid       complete     ignore       \n"
    "PUBCOMP      forbid       forbid       close flow   ignore       \n"
    "SUBSCRIBE    forbid       forbid       forbid       ignore       \n"
    "SUBACK       forbid       forbid       grant        ignore       \n"
    "UNSUBSCRIBE  forbid       forbid       forbid       ignore       \n"
    "UNSUBACK     forbid       forbid       revoke       ignore       \n"
    "PINGREQ      forbid       forbid       forbid       ignore       \n"
    "PINGRESP     forbid       forbid       pong         ignore       \n"
    "DISCONNECT   forbid       forbid       leave        ignore       \n"
    "AUTH         forbid       authenticate authenticate ignore       \n";

static void test_the_table_on_the_wall(void **state)
{
    (void)state;
    char text[2048];
    size_t bytes = th_session_table_print(text, sizeof text);
    printf("%s", text);
    assert_string_equal(text, wall);
    assert_int_equal(bytes, strlen(wall));
}

static void test_a_small_wall(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'x', sizeof text);
    assert_int_equal(th_session_table_print(text, 20), strlen(wall));
    assert_memory_equal(text, wall, 19);
    assert_int_equal(text[19], 0);
    assert_int_equal(text[20], 'x');
    assert_int_equal(th_session_table_print(NULL, 0), strlen(wall));
}

static void test_types_and_states_that_do_not_exist(void **state)
{
    (void)state;
    assert_int_equal(th_session_action(TH_SESSION_UP, 0), TH_DO_FORBID);
    assert_int_equal(th_session_action(TH_SESSION_UP, 16), TH_DO_FORBID);
    assert_int_equal(th_session_action(TH_SESSION_STATES, TH_MQTT_PUBLISH), TH_DO_FORBID);
    assert_int_equal(th_session_action(TH_SESSION_ENDED, 255), TH_DO_IGNORE);
    assert_string_equal(th_session_state_name(TH_SESSION_STATES), "unknown");
    assert_string_equal(th_session_action_name(TH_SESSION_ACTIONS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_on_the_wall),
        cmocka_unit_test(test_a_small_wall),
        cmocka_unit_test(test_types_and_states_that_do_not_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
