/* In which kind of memory an address lies. */
#include "bench_driver.h"
#include "kernel/memory_kind.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TAG = 0x31676154, BYTES = 100 };

static void body_pool_and_stack(void)
{
    uint8_t local = 0;
    uint8_t *nonpaged = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG);
    uint8_t *paged = ExAllocatePoolWithTag(PagedPool, BYTES, TAG);

    CHECK(ft_memory_kind(&local) == FT_MEMORY_STACK);
    CHECK(ft_memory_kind(nonpaged) == FT_MEMORY_NONPAGED_POOL);
    CHECK(ft_memory_kind(nonpaged + BYTES - 1) == FT_MEMORY_NONPAGED_POOL);
    CHECK(ft_memory_kind(nonpaged + BYTES) == FT_MEMORY_UNKNOWN); /* the guard */
    CHECK(ft_memory_kind(paged + 1) == FT_MEMORY_PAGED_POOL);
    CHECK(ft_memory_kind(NULL) == FT_MEMORY_UNKNOWN);
    CHECK(ft_memory_kind((void *)FT_CPU_VIEW_BASE) == FT_MEMORY_UNKNOWN);
    ExFreePoolWithTag(nonpaged, TAG);
    CHECK(ft_memory_kind(nonpaged) == FT_MEMORY_UNKNOWN);
    ExFreePoolWithTag(paged, TAG);
}

static void pool_and_stack_are_told_apart(void **state)
{
    (void)state;
    wb_body(body_pool_and_stack, FT_STOP_NONE);
}

static void body_device(void)
{
    DRIVER_OBJECT *driver = wb_driver_object();
    PDEVICE_OBJECT device;

    CHECK(IoCreateDevice(driver, BYTES, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device) ==
          STATUS_SUCCESS);
    CHECK(ft_memory_kind(device->DeviceExtension) == FT_MEMORY_DEVICE_EXTENSION);
    CHECK(ft_memory_kind((uint8_t *)device->DeviceExtension + BYTES - 1) ==
          FT_MEMORY_DEVICE_EXTENSION);
    CHECK(ft_memory_kind(&device->Queue) == FT_MEMORY_NONPAGED_POOL);
    IoDeleteDevice(device);
}

static void a_device_extension_is_told_from_its_object(void **state)
{
    (void)state;
    wb_body(body_device, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_and_stack_are_told_apart),
        cmocka_unit_test(a_device_extension_is_told_from_its_object),
    };

    return cmocka_run_group_tests_name("memory-kind", tests, NULL, NULL);
}
