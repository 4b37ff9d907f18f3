/* WDFCOMMONBUFFER (kmdf sheet, 3). */
#include "dma_framework.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 5000, BIG_MASK = 2 * PAGE_SIZE - 1 };

static WDFCOMMONBUFFER buffer;

static void body_plain(void)
{
    uint64_t address;
    uint8_t *va;

    wd_open(WdfDmaProfileScatterGather64Duplex, PAGE_SIZE);
    CHECK(WdfCommonBufferCreate(wd.enabler, BYTES, NULL, &buffer) == STATUS_SUCCESS);
    CHECK(WdfCommonBufferGetLength(buffer) == BYTES);
    va = WdfCommonBufferGetAlignedVirtualAddress(buffer);
    address = (uint64_t)WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart;
    CHECK(va != NULL && address % PAGE_SIZE == 0);
    va[BYTES - 1] = 1;
    CHECK(bench_device_writes(address, BYTES) && va[1] == 10);
    WdfObjectDelete(buffer);
    CHECK(WdfCommonBufferCreate(wd.enabler, BYTES, NULL, &buffer) == STATUS_SUCCESS);
}

static void test_plain(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        wd_run((enum ft_platform_name)preset, body_plain);
        assert_int_equal(wb_count(FT_EV_WDF_COMMON), 2);
        assert_int_equal(wb_event(FT_EV_WDF_COMMON_END, 1)->arg[0],
                         wb_event(FT_EV_WDF_COMMON, 1)->arg[0]);
        assert_int_equal(wb_event(FT_EV_WDF_COMMON, 1)->arg[2],
                         wb_event(FT_EV_DMA_CB_ALLOC, 1)->arg[1]);
        assert_int_equal(wb_event(FT_EV_WDF_COMMON_END, 1)->arg[1],
                         wb_event(FT_EV_DMA_CB_ALLOC, 1)->arg[1]);
        assert_true(wb_count(FT_EV_DMA_CB_FREE) >= 1);
    }
}

static void body_aligned(void)
{
    WDF_COMMON_BUFFER_CONFIG config;
    uint64_t address;
    uint8_t *va;

    wd_open(WdfDmaProfilePacket, 16 * PAGE_SIZE);
    WDF_COMMON_BUFFER_CONFIG_INIT(&config, BIG_MASK);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(WdfCommonBufferCreateWithConfig(wd.enabler, BYTES, &config, NULL, &buffer) ==
              STATUS_SUCCESS);
        address = (uint64_t)WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart;
        va = WdfCommonBufferGetAlignedVirtualAddress(buffer);
        CHECK((address & BIG_MASK) == 0);
        CHECK(bench_device_writes(address, BYTES) && va[0] == 3);
        CHECK(WdfCommonBufferGetLength(buffer) == BYTES);
    }
    config.AlignmentRequirement = FILE_512_BYTE_ALIGNMENT;
    CHECK(WdfCommonBufferCreateWithConfig(wd.enabler, BYTES, &config, NULL, &buffer) ==
          STATUS_SUCCESS);
}

static void test_aligned(void **state)
{
    (void)state;
    wd_run_all(body_aligned);
    assert_int_equal(wb_event(FT_EV_DMA_CB_ALLOC, 1)->arg[2], BYTES + BIG_MASK);
    assert_int_equal(wb_event(FT_EV_DMA_CB_ALLOC, 4)->arg[2], BYTES);
}

static void body_failures(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_COMMON_BUFFER_CONFIG config;

    wd_open(WdfDmaProfilePacket, PAGE_SIZE);
    CHECK(WdfCommonBufferCreate(wd.enabler, 0, NULL, &buffer) == STATUS_INVALID_PARAMETER);
    WDF_COMMON_BUFFER_CONFIG_INIT(&config, 0);
    config.Size = 4;
    CHECK(WdfCommonBufferCreateWithConfig(wd.enabler, 0, &config, NULL, &buffer) ==
          STATUS_INFO_LENGTH_MISMATCH);
    WDF_COMMON_BUFFER_CONFIG_INIT(&config, BIG_MASK);
    CHECK(WdfCommonBufferCreateWithConfig(wd.enabler, UINT32_MAX, &config, NULL, &buffer) ==
          STATUS_INTEGER_OVERFLOW);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = wd.enabler;
    CHECK(!NT_SUCCESS(WdfCommonBufferCreate(wd.enabler, BYTES, &attributes, &buffer)));
    FT_M->alloc_fail_what = FT_FAIL_COMMON;
    CHECK(WdfCommonBufferCreate(wd.enabler, BYTES, NULL, &buffer) == STATUS_INSUFFICIENT_RESOURCES);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(WdfCommonBufferCreate(wd.enabler, BYTES, NULL, &buffer) == STATUS_INVALID_DEVICE_REQUEST);
    ft_irql_set(PASSIVE_LEVEL);
}

static void body_null_out(void)
{
    wd_open(WdfDmaProfilePacket, PAGE_SIZE);
    (void)WdfCommonBufferCreate(wd.enabler, BYTES, NULL, NULL);
}

static void body_null_config(void)
{
    wd_open(WdfDmaProfilePacket, PAGE_SIZE);
    (void)WdfCommonBufferCreateWithConfig(wd.enabler, BYTES, NULL, NULL, &buffer);
}

static void body_handle(void)
{
    wd_open(WdfDmaProfilePacket, PAGE_SIZE);
    (void)WdfCommonBufferGetLength((WDFCOMMONBUFFER)wd.tx);
}

static void test_failures(void **state)
{
    (void)state;
    wd_run_all(body_failures);
    assert_int_equal(wb_count(FT_EV_DMA_CB_ALLOC), 1);
    wd_run_violation(body_null_out, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_null_config, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_handle, FT_WDF_INVALID_HANDLE);
}

/* The getters at a level that is too high give the value; the event has the level. */
static void body_irql(void)
{
    wd_open(WdfDmaProfilePacket, PAGE_SIZE);
    CHECK(WdfCommonBufferCreate(wd.enabler, BYTES, NULL, &buffer) == STATUS_SUCCESS);
    ft_irql_set(WB_IRQ_LEVEL);
    CHECK(WdfCommonBufferGetAlignedVirtualAddress(buffer) != NULL);
    CHECK(WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart != 0);
    CHECK(WdfCommonBufferGetLength(buffer) == BYTES);
    ft_irql_set(PASSIVE_LEVEL);
}

static void test_irql(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_irql);
    assert_int_equal(wb_count(FT_EV_WDF_COMMON_ASK), 3);
    assert_int_equal(wb_last(FT_EV_WDF_COMMON_ASK)->irql, WB_IRQ_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_irql),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
