/* WDFDMAENABLER: what is checked and in which order, what the HAL is asked for, and the walks with
 * the consequence matrix of kmdf.md, section 1.4. */
#include "dma_framework.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { PAGES_4 = 4 * PAGE_SIZE, PAST_PROFILES = WdfDmaProfileSystemDuplex + 1 };

/* ---- WdfDmaEnablerCreate ---- */

static NTSTATUS create(WDF_DMA_PROFILE profile, ULONG width, ULONG version, ULONG flags)
{
    wd_config(profile, PAGES_4);
    wd.config.AddressWidthOverride = width;
    wd.config.WdmDmaVersionOverride = version;
    wd.config.Flags = flags;
    return wd_enabler();
}

struct choice {
    WDF_DMA_PROFILE profile;
    ULONG width, version, flags;
    NTSTATUS status;
    unsigned granted;
};

static const struct choice choices[] = {
    {WdfDmaProfilePacket, 0, 0, 0, STATUS_SUCCESS, 2},
    {WdfDmaProfilePacket, 0, 2, 0, STATUS_SUCCESS, 2},
    {WdfDmaProfilePacket, 0, 3, 0, STATUS_SUCCESS, 3},
    {WdfDmaProfilePacket, 24, 0, 0, STATUS_SUCCESS, 3},
    {WdfDmaProfilePacket, 32, 0, 0, STATUS_SUCCESS, 3},
    {WdfDmaProfilePacket, 33, 0, 0, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfilePacket64, 40, 0, 0, STATUS_SUCCESS, 3},
    {WdfDmaProfilePacket64, 40, 2, 0, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfileScatterGather64Duplex, 0, 0, 0, STATUS_SUCCESS, 2},
    {WdfDmaProfileScatterGather, 0, 1, 0, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfileScatterGather, 0, 4, 0, STATUS_UNSUCCESSFUL, 0},
    {WdfDmaProfileScatterGather, 65, 0, 0, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfileScatterGather64, 65, 0, 0, STATUS_UNSUCCESSFUL, 0},
    {WdfDmaProfileScatterGather, 0, 0, 2, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfileScatterGather, 0, 3, 2, STATUS_SUCCESS, 3},
    {WdfDmaProfileScatterGather, 0, 0, 1, STATUS_SUCCESS, 2},
    {WdfDmaProfileSystem, 0, 0, 0, STATUS_SUCCESS, 3},
    {WdfDmaProfileSystem, 0, 2, 0, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfileSystem, 32, 0, 0, STATUS_INVALID_PARAMETER, 0},
    {WdfDmaProfileSystemDuplex, 0, 3, 0, STATUS_SUCCESS, 3},
    {WdfDmaProfileInvalid, 0, 0, 0, STATUS_INVALID_PARAMETER, 0},
    {(WDF_DMA_PROFILE)PAST_PROFILES, 0, 0, 0, STATUS_INVALID_PARAMETER, 0},
};
enum { CHOICES = sizeof choices / sizeof *choices };

static void body_choices(void)
{
    wd_device();
    for (unsigned i = 0; i < CHOICES; i++) {
        const struct choice *c = &choices[i];

        CHECK(create(c->profile, c->width, c->version, c->flags) == c->status);
        if (NT_SUCCESS(c->status))
            WdfObjectDelete(wd.enabler);
    }
}

static void test_choices(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_choices);
    for (unsigned i = 0; i < CHOICES; i++) {
        const struct ft_event *event = wb_event(FT_EV_WDF_ENABLER, i + 1);

        assert_int_equal(event->arg[2], choices[i].profile);
        assert_int_equal(event->arg[3], choices[i].granted);
        assert_int_equal((uint32_t)event->arg[5], (uint32_t)choices[i].status);
    }
    assert_int_equal(wb_count(FT_EV_DMA_GET), wb_count(FT_EV_DMA_PUT) + 2 /* refused */);
}

static void body_default(void)
{
    wd_device();
    CHECK(create(WdfDmaProfilePacket, 0, 0, 0) == STATUS_SUCCESS);
}

/* Version 3 where the platform is not coherent. */
static void test_platform(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_NONCOHERENT, body_default);
    assert_int_equal(wb_last(FT_EV_WDF_ENABLER)->arg[3], 3);
    wd_run(FT_PLATFORM_BOUNCE, body_default);
    assert_int_equal(wb_last(FT_EV_WDF_ENABLER)->arg[3], 2);
}

/* The order of the checks: size before profile, profile and length before the adapter. */
static void body_order(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;

    wd_device();
    wd_config(WdfDmaProfileInvalid, 0);
    wd.config.Size--;
    CHECK(wd_enabler() == STATUS_INFO_LENGTH_MISMATCH);
    wd.config.Size++;
    CHECK(wd_enabler() == STATUS_INVALID_PARAMETER);
    wd.config.Profile = WdfDmaProfilePacket;
    CHECK(wd_enabler() == STATUS_INVALID_PARAMETER);
    wd.config.MaximumLength = PAGES_4;
    FT_M->alloc_fail_what = FT_FAIL_ADAPTER;
    FT_M->alloc_fail_after = 0;
    CHECK(wd_enabler() == STATUS_UNSUCCESSFUL);
    CHECK(wd_enabler() == STATUS_SUCCESS);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = wd.enabler; /* of the same device */
    CHECK(WdfDmaEnablerCreate((WDFDEVICE)wd.device, &wd.config, &attributes, &wd.enabler) ==
          STATUS_SUCCESS);
}

static void test_order(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_order);
    assert_int_equal(wb_count(FT_EV_DMA_GET), 3);
}

static void body_irql(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(wd_enabler() == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDmaEnablerConfigureSystemProfile(wd.enabler, NULL, WdfDmaDirectionReadFromDevice) ==
          STATUS_INVALID_DEVICE_REQUEST);
    WdfDmaEnablerSetMaximumScatterGatherElements(wd.enabler, 5);
    CHECK(WdfDmaEnablerGetMaximumScatterGatherElements(wd.enabler) ==
          WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS);
    ft_irql_set(PASSIVE_LEVEL);
}

static void test_irql(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_irql);
    assert_int_equal(wb_last(FT_EV_WDF_ENABLER)->irql, DISPATCH_LEVEL);
}

static void body_null_config(void)
{
    wd_device();
    (void)WdfDmaEnablerCreate((WDFDEVICE)wd.device, NULL, NULL, &wd.enabler);
}

static void body_null_out(void)
{
    wd_device();
    wd_config(WdfDmaProfilePacket, PAGES_4);
    (void)WdfDmaEnablerCreate((WDFDEVICE)wd.device, &wd.config, NULL, NULL);
}

static void body_handle(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    (void)WdfDmaEnablerGetMaximumLength((WDFDMAENABLER)wd.device);
}

static void test_parameters(void **state)
{
    (void)state;
    wd_run_violation(body_null_config, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_null_out, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_handle, FT_WDF_INVALID_HANDLE);
}

/* ---- what can be asked ---- */

static void body_getters(void)
{
    PDMA_ADAPTER read, write;

    wd_open(WdfDmaProfileScatterGatherDuplex, 3 * PAGE_SIZE + 5);
    CHECK(WdfDmaEnablerGetMaximumLength(wd.enabler) == 3 * PAGE_SIZE + 5);
    CHECK(WdfDmaEnablerGetFragmentLength(wd.enabler, WdfDmaDirectionReadFromDevice) ==
          3 * PAGE_SIZE + 5);
    CHECK(WdfDmaEnablerGetFragmentLength(wd.enabler, (WDF_DMA_DIRECTION)2) == 0);
    CHECK(WdfDmaEnablerGetMaximumScatterGatherElements(wd.enabler) ==
          WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS);
    WdfDmaEnablerSetMaximumScatterGatherElements(wd.enabler, 0);
    CHECK(WdfDmaEnablerGetMaximumScatterGatherElements(wd.enabler) ==
          WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS);
    WdfDmaEnablerSetMaximumScatterGatherElements(wd.enabler, 7);
    CHECK(WdfDmaEnablerGetMaximumScatterGatherElements(wd.enabler) == 7);
    read = WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionReadFromDevice);
    write = WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionWriteToDevice);
    CHECK(read && write && read != write);
    wd_config(WdfDmaProfileScatterGather, PAGE_SIZE);
    CHECK(wd_enabler() == STATUS_SUCCESS);
    read = WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionReadFromDevice);
    CHECK(read && read == WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionWriteToDevice));
}

static void few_registers(struct ft_platform *platform)
{
    platform->registers = 3;
}

static void body_few(void)
{
    wd_device();
    wd_config(WdfDmaProfilePacket, 100 * PAGE_SIZE);
    CHECK(wd_enabler() == STATUS_SUCCESS);
    CHECK(WdfDmaEnablerGetFragmentLength(wd.enabler, WdfDmaDirectionReadFromDevice) ==
          2 * PAGE_SIZE);
}

static void one_register(struct ft_platform *platform)
{
    platform->registers = 1;
}

static void body_one(void)
{
    wd_device();
    wd_config(WdfDmaProfilePacket, PAGE_SIZE);
    CHECK(wd_enabler() == STATUS_INSUFFICIENT_RESOURCES);
}

static void test_getters(void **state)
{
    (void)state;
    wd_run_all(body_getters);
    memset(&wd, 0, sizeof wd);
    wb_run(&(struct wb_case){.body = body_few, .adjust = few_registers});
    wb_run(&(struct wb_case){.body = body_one, .adjust = one_register});
    assert_int_equal(wb_count(FT_EV_DMA_PUT), 1);
}

/* ---- the walks ---- */

enum { FILL, ENABLE, START, STOP, DISABLE, FLUSH, CALLBACKS };

static struct {
    WDFDMAENABLER enabler[3];
    unsigned enablers;
    unsigned fails; /* bit per enabler * CALLBACKS + callback */
    void (*inside)(unsigned enabler, unsigned callback);
} walk;

static NTSTATUS called(WDFDMAENABLER enabler, unsigned callback)
{
    static const char *const name[CALLBACKS] = {"Fill", "Enable",  "Start",
                                                "Stop", "Disable", "Flush"};
    char word[16];
    unsigned i = 0;

    while (i < walk.enablers && walk.enabler[i] != enabler)
        i++;
    snprintf(word, sizeof word, "E%u.%s", i + 1, name[callback]);
    wb_note(word);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    if (walk.inside)
        walk.inside(i, callback);
    return walk.fails & 1u << (i * CALLBACKS + callback) ? STATUS_DEVICE_NOT_READY : STATUS_PENDING;
}

static NTSTATUS fill(WDFDMAENABLER e)
{
    return called(e, FILL);
}
static NTSTATUS enable(WDFDMAENABLER e)
{
    return called(e, ENABLE);
}
static NTSTATUS start(WDFDMAENABLER e)
{
    return called(e, START);
}
static NTSTATUS stop(WDFDMAENABLER e)
{
    return called(e, STOP);
}
static NTSTATUS disable(WDFDMAENABLER e)
{
    return called(e, DISABLE);
}
static NTSTATUS flush(WDFDMAENABLER e)
{
    return called(e, FLUSH);
}

static void walk_config(void)
{
    wd_config(WdfDmaProfileScatterGather, PAGES_4);
    wd.config.EvtDmaEnablerFill = fill;
    wd.config.EvtDmaEnablerEnable = enable;
    wd.config.EvtDmaEnablerSelfManagedIoStart = start;
    wd.config.EvtDmaEnablerSelfManagedIoStop = stop;
    wd.config.EvtDmaEnablerDisable = disable;
    wd.config.EvtDmaEnablerFlush = flush;
}

static void add_enabler(void)
{
    walk_config();
    CHECK(wd_enabler() == STATUS_SUCCESS);
    walk.enabler[walk.enablers++] = wd.enabler;
}

#define UP1   " E1.Fill E1.Enable E1.Start"
#define UP2   " E2.Fill E2.Enable E2.Start"
#define DOWN1 " E1.Stop E1.Disable E1.Flush"
#define DOWN2 " E2.Stop E2.Disable E2.Flush"

/* The matrix, and a second period in which nothing fails: what failed once stays. */
static const struct {
    unsigned fails;
    const char *up, *down, *second_down;
} matrix[] = {
    {0, UP1 UP2, DOWN1 DOWN2, DOWN1 DOWN2},
    {1u << FILL, " E1.Fill", " E1.Stop" DOWN2, " E1.Stop" DOWN2},
    {1u << ENABLE, " E1.Fill E1.Enable", " E1.Stop E1.Disable" DOWN2, " E1.Stop E1.Disable" DOWN2},
    {1u << START, UP1, DOWN1 DOWN2, DOWN1 DOWN2},
    {1u << (CALLBACKS + FILL), UP1 " E2.Fill", DOWN1 " E2.Stop", DOWN1 " E2.Stop"},
    {1u << (CALLBACKS + ENABLE), UP1 " E2.Fill E2.Enable", DOWN1 " E2.Stop E2.Disable",
     DOWN1 " E2.Stop E2.Disable"},
    {1u << (CALLBACKS + START), UP1 UP2, DOWN1 DOWN2, DOWN1 DOWN2},
    {1u << STOP, UP1 UP2, DOWN1 DOWN2, DOWN1 DOWN2},
    {1u << DISABLE, UP1 UP2, DOWN1 DOWN2, DOWN1 DOWN2},
    {1u << FLUSH | 1u << (CALLBACKS + STOP), UP1 UP2, DOWN1 DOWN2, DOWN1 DOWN2},
};
static unsigned row;

static void body_matrix(void)
{
    bool up_fails = matrix[row].fails & (0x7u | 0x7u << CALLBACKS);
    bool down_fails = matrix[row].fails & (0x38u | 0x38u << CALLBACKS);

    memset(&walk, 0, sizeof walk);
    wd_device();
    add_enabler();
    add_enabler();
    walk.fails = matrix[row].fails;
    wb_note("up:");
    CHECK(ft_wdf_dma_up(wd.device) == (up_fails ? STATUS_DEVICE_NOT_READY : STATUS_SUCCESS));
    wb_note("down:");
    CHECK(ft_wdf_dma_down(wd.device) == (down_fails ? STATUS_DEVICE_NOT_READY : STATUS_SUCCESS));
    walk.fails = 0;
    wb_note("up:");
    CHECK(ft_wdf_dma_up(wd.device) == STATUS_SUCCESS);
    wb_note("down:");
    CHECK(ft_wdf_dma_down(wd.device) == STATUS_SUCCESS);
}

static void test_matrix(void **state)
{
    (void)state;
    for (row = 0; row < sizeof matrix / sizeof *matrix; row++) {
        char expected[512];

        wd_run(FT_PLATFORM_COHERENT, body_matrix);
        snprintf(expected, sizeof expected, "up:%s down:%s up:%s down:%s", matrix[row].up,
                 matrix[row].down, UP1 UP2, matrix[row].second_down);
        assert_string_equal(wb_notes(), expected);
        assert_int_equal(wb_count(FT_EV_WDF_DMA_UP), 4);
        assert_int_equal(wb_count(FT_EV_WDF_DMA_DOWN), 4);
    }
}

/* Callbacks that are not there are skipped; down without up happens. */
static void body_some(void)
{
    memset(&walk, 0, sizeof walk);
    wd_device();
    walk_config();
    wd.config.EvtDmaEnablerFill = NULL;
    wd.config.EvtDmaEnablerDisable = NULL;
    CHECK(wd_enabler() == STATUS_SUCCESS);
    walk.enabler[walk.enablers++] = wd.enabler;
    CHECK(ft_wdf_dma_down(wd.device) == STATUS_SUCCESS);
    CHECK(ft_wdf_dma_up(wd.device) == STATUS_SUCCESS);
}

static void test_some(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_some);
    assert_string_equal(wb_notes(), "E1.Stop E1.Flush E1.Enable E1.Start");
}

/* The list is locked while callbacks run: what is made or deleted there counts afterwards. */
static void change_list(unsigned enabler, unsigned callback)
{
    if (enabler == 0 && callback == FILL) {
        add_enabler();
        WdfObjectDelete(walk.enabler[1]);
    }
}

static void body_list(void)
{
    memset(&walk, 0, sizeof walk);
    wd_device();
    add_enabler();
    add_enabler();
    walk.inside = change_list;
    CHECK(ft_wdf_dma_up(wd.device) == STATUS_SUCCESS);
    wb_note("down:");
    walk.inside = NULL;
    CHECK(ft_wdf_dma_down(wd.device) == STATUS_SUCCESS);
}

static void test_list(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_list);
    assert_string_equal(wb_notes(),
                        "E1.Fill E1.Enable E1.Start down: E1.Stop E1.Disable E1.Flush E3.Stop "
                        "E3.Disable E3.Flush");
    assert_int_equal(wb_last(FT_EV_WDF_ENABLER)->arg[4] & (FT_ENABLER_LATE | FT_ENABLER_IN_WALK),
                     FT_ENABLER_LATE | FT_ENABLER_IN_WALK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),    cmocka_unit_test(test_platform),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_irql),
        cmocka_unit_test(test_parameters), cmocka_unit_test(test_getters),
        cmocka_unit_test(test_matrix),     cmocka_unit_test(test_some),
        cmocka_unit_test(test_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
