/* The registry keys of a framework driver and its device, and the tag of its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "wdf_bench.h"
#include "world/machine.h"

#include <cmocka.h>

static void check_key(WDFKEY key)
{
    DECLARE_CONST_UNICODE_STRING(name, L"value");
    ULONG value = 0;

    CHECK(WdfRegistryAssignULong(key, &name, 7) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryULong(key, &name, &value) == STATUS_SUCCESS && value == 7);
}

static NTSTATUS opens(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDRIVER driver = the_wdf.driver;
    WDFKEY key;
    KIRQL irql;

    CHECK(WdfDriverOpenParametersRegistryKey(driver, KEY_ALL_ACCESS, NULL, &key) == STATUS_SUCCESS);
    check_key(key);
    WdfRegistryClose(key);
    CHECK(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, NULL, &key) ==
          STATUS_SUCCESS);
    check_key(key); /* closed with the device */
    CHECK(WdfDeviceOpenRegistryKey(device, 99, KEY_READ, NULL, &key) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    CHECK(WdfDriverOpenParametersRegistryKey(driver, KEY_READ, &attributes, &key) ==
          STATUS_INFO_LENGTH_MISMATCH);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDriverOpenParametersRegistryKey(driver, KEY_READ, NULL, &key) ==
          STATUS_INSUFFICIENT_RESOURCES);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(key == NULL);
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK(WdfDriverOpenParametersRegistryKey(driver, KEY_READ, NULL, &key) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key) ==
          STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

static void keys_are_opened_and_closed(void **state)
{
    struct wdf_bench how = {.add = opens};

    (void)state;
    wdf_bench_run(&how, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), wb_count(FT_EV_HANDLE_CLOSE));
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_opened_and_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
