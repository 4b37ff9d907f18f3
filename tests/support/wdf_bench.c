#include "wdf_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct wdf_bench the_wdf;

ULONG wdf_bench_register(ULONG offset)
{
    return READ_REGISTER_ULONG((PULONG)(the_wdf.registers + offset));
}

void wdf_bench_register_set(ULONG offset, ULONG value)
{
    WRITE_REGISTER_ULONG((PULONG)(the_wdf.registers + offset), value);
}

static NTSTATUS meet(enum ft_routine routine, WDFOBJECT object)
{
    unsigned call = ++the_wdf.calls[routine], when = the_wdf.when[routine];

    if (the_wdf.in)
        the_wdf.in(routine, object);
    return when == 0 || when == call ? the_wdf.answer[routine] : STATUS_SUCCESS;
}

NTSTATUS wdf_bench_met(enum ft_routine routine, WDFOBJECT object, const char *note)
{
    if (note)
        wb_note(note);
    return meet(routine, object);
}

static void note_quietly(const char *word)
{
    if (!(the_wdf.flags & WDF_BENCH_QUIET))
        wb_note(word);
}

/* ---- PnP and power ---- */

static NTSTATUS note_power(enum ft_routine routine, WDFDEVICE device, const char *name,
                           WDF_POWER_DEVICE_STATE state)
{
    static const char *const states[] = {"?", "d0", "d1", "d2", "d3", "d3f", "hib"};
    char note[32];

    snprintf(note, sizeof note, "%s:%s", name, states[state]);
    return wdf_bench_met(routine, device, note);
}

static NTSTATUS d0_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return note_power(FT_ROUTINE_WDF_D0_ENTRY, device, "d0-entry", previous);
}

static NTSTATUS d0_post(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return note_power(FT_ROUTINE_WDF_D0_ENTRY_POST, device, "d0-post", previous);
}

static NTSTATUS d0_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return note_power(FT_ROUTINE_WDF_D0_EXIT, device, "d0-exit", target);
}

static NTSTATUS d0_pre(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return note_power(FT_ROUTINE_WDF_D0_EXIT_PRE, device, "d0-pre", target);
}

/* Callbacks that take the device alone. */
#define DEVICE_CALLBACK(name, ROUTINE, note)                                                       \
    static NTSTATUS name(WDFDEVICE device)                                                         \
    {                                                                                              \
        CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);                                                \
        return wdf_bench_met(FT_ROUTINE_WDF_##ROUTINE, device, note);                              \
    }
#define DEVICE_NOTE(name, ROUTINE, note)                                                           \
    static VOID name(WDFDEVICE device)                                                             \
    {                                                                                              \
        CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);                                                \
        wdf_bench_met(FT_ROUTINE_WDF_##ROUTINE, device, note);                                     \
    }
DEVICE_CALLBACK(smio_init, SMIO_INIT, "init")
DEVICE_CALLBACK(smio_suspend, SMIO_SUSPEND, "suspend")
DEVICE_CALLBACK(smio_restart, SMIO_RESTART, "restart")
DEVICE_NOTE(smio_flush, SMIO_FLUSH, "flush")
DEVICE_NOTE(smio_cleanup, SMIO_CLEANUP, "cleanup")
DEVICE_NOTE(surprise, SURPRISE_REMOVAL, "surprise")
DEVICE_CALLBACK(query_remove, QUERY_REMOVE, "query-remove")
DEVICE_CALLBACK(query_stop, QUERY_STOP, "query-stop")
DEVICE_CALLBACK(arm_s0, ARM_S0, "arm-s0")
DEVICE_NOTE(disarm_s0, DISARM_S0, "disarm-s0")
DEVICE_NOTE(triggered_s0, TRIGGERED_S0, "woke-s0")
DEVICE_CALLBACK(arm_sx, ARM_SX, "arm-sx")
DEVICE_NOTE(disarm_sx, DISARM_SX, "disarm-sx")
DEVICE_NOTE(triggered_sx, TRIGGERED_SX, "woke-sx")

static NTSTATUS usage(WDFDEVICE device, WDF_SPECIAL_FILE_TYPE type, BOOLEAN in_path)
{
    (void)type;
    return wdf_bench_met(FT_ROUTINE_WDF_USAGE, device, in_path ? "usage:1" : "usage:0");
}

static VOID relations(WDFDEVICE device, DEVICE_RELATION_TYPE type)
{
    (void)type;
    meet(FT_ROUTINE_WDF_RELATIONS, device); /* too many of them to note */
}

/* ---- interrupts ---- */

static NTSTATUS note_numbered(enum ft_routine routine, WDFOBJECT object, const char *name,
                              const WDFOBJECT *objects, unsigned count)
{
    char note[32];

    snprintf(note, sizeof note, "%s", name);
    for (unsigned i = 0; i < count && count > 1; i++)
        if (objects[i] == object)
            snprintf(note, sizeof note, "%s%u", name, i + 1);
    return wdf_bench_met(routine, object, note);
}

static NTSTATUS note_interrupt(enum ft_routine routine, WDFINTERRUPT interrupt, const char *name)
{
    return note_numbered(routine, interrupt, name, the_wdf.interrupt, the_wdf.interrupts);
}

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message)
{
    (void)message;
    if (the_wdf.registers)
        wdf_bench_register_set(WB_REG_LINE, 0);
    note_interrupt(FT_ROUTINE_WDF_ISR, interrupt, "isr");
    WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}

static VOID dpc(WDFINTERRUPT interrupt, WDFOBJECT device)
{
    CHECK(device == the_wdf.device && KeGetCurrentIrql() == DISPATCH_LEVEL);
    note_interrupt(FT_ROUTINE_WDF_INTERRUPT_DPC, interrupt, "dpc");
}

static NTSTATUS enable(WDFINTERRUPT interrupt, WDFDEVICE device)
{
    CHECK(device == the_wdf.device && KeGetCurrentIrql() > DISPATCH_LEVEL);
    return note_interrupt(FT_ROUTINE_WDF_INTERRUPT_ENABLE, interrupt, "int-on");
}

static NTSTATUS disable(WDFINTERRUPT interrupt, WDFDEVICE device)
{
    CHECK(device == the_wdf.device && KeGetCurrentIrql() > DISPATCH_LEVEL);
    return note_interrupt(FT_ROUTINE_WDF_INTERRUPT_DISABLE, interrupt, "int-off");
}

static void interrupt_config(PWDF_INTERRUPT_CONFIG config)
{
    WDF_INTERRUPT_CONFIG_INIT(config, isr, dpc);
    if (the_wdf.interrupt_how)
        *config = *the_wdf.interrupt_how;
    if (!config->EvtInterruptIsr)
        config->EvtInterruptIsr = isr;
    if (!the_wdf.without[FT_ROUTINE_WDF_INTERRUPT_ENABLE])
        config->EvtInterruptEnable = enable;
    if (!the_wdf.without[FT_ROUTINE_WDF_INTERRUPT_DISABLE])
        config->EvtInterruptDisable = disable;
}

static void make_interrupts(void)
{
    WDF_INTERRUPT_CONFIG config;

    if (the_wdf.flags & WDF_BENCH_INTERRUPTS_LATE)
        return;
    interrupt_config(&config);
    for (unsigned i = 0; i < the_wdf.interrupts; i++)
        CHECK(WdfInterruptCreate(the_wdf.device, &config, NULL, &the_wdf.interrupt[i]) ==
              STATUS_SUCCESS);
}

static void make_late_interrupts(WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    WDF_INTERRUPT_CONFIG config;
    unsigned made = 0;

    if (!(the_wdf.flags & WDF_BENCH_INTERRUPTS_LATE))
        return;
    interrupt_config(&config);
    for (ULONG i = 0; i < WdfCmResourceListGetCount(raw) && made < the_wdf.interrupts; i++) {
        config.InterruptRaw = WdfCmResourceListGetDescriptor(raw, i);
        config.InterruptTranslated = WdfCmResourceListGetDescriptor(translated, i);
        if (config.InterruptRaw->Type == CmResourceTypeInterrupt)
            CHECK(WdfInterruptCreate(the_wdf.device, &config, NULL, &the_wdf.interrupt[made++]) ==
                  STATUS_SUCCESS);
    }
}

/* ---- hardware ---- */

static NTSTATUS prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR part = NULL;

    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    the_wdf.raw = raw;
    the_wdf.translated = translated;
    for (ULONG i = 0; i < WdfCmResourceListGetCount(translated); i++) {
        part = WdfCmResourceListGetDescriptor(translated, i);
        if (part->Type == CmResourceTypeMemory && !the_wdf.registers)
            the_wdf.registers =
                MmMapIoSpace(part->u.Memory.Start, part->u.Memory.Length, MmNonCached);
    }
    make_late_interrupts(raw, translated);
    return wdf_bench_met(FT_ROUTINE_WDF_PREPARE, device, "prepare");
}

static NTSTATUS release(WDFDEVICE device, WDFCMRESLIST translated)
{
    CHECK(!the_wdf.translated || translated == the_wdf.translated);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    if (the_wdf.registers)
        MmUnmapIoSpace(the_wdf.registers, WB_BAR_BYTES);
    the_wdf.registers = NULL;
    return wdf_bench_met(FT_ROUTINE_WDF_RELEASE, device, "release");
}

/* ---- DMA enablers ---- */

#define ENABLER_CALLBACK(name, ROUTINE, note)                                                      \
    static NTSTATUS name(WDFDMAENABLER enabler)                                                    \
    {                                                                                              \
        CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);                                                \
        return note_numbered(FT_ROUTINE_WDF_##ROUTINE, enabler, note, the_wdf.enabler,             \
                             the_wdf.enablers);                                                    \
    }
ENABLER_CALLBACK(dma_fill, DMA_FILL, "fill")
ENABLER_CALLBACK(dma_flush, DMA_FLUSH, "dma-flush")
ENABLER_CALLBACK(dma_enable, DMA_ENABLE, "dma-on")
ENABLER_CALLBACK(dma_disable, DMA_DISABLE, "dma-off")
ENABLER_CALLBACK(dma_start, DMA_START, "dma-start")
ENABLER_CALLBACK(dma_stop, DMA_STOP, "dma-stop")

static void make_enablers(void)
{
    WDF_DMA_ENABLER_CONFIG config;

    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileScatterGather, 0x10000);
    config.EvtDmaEnablerFill = dma_fill;
    config.EvtDmaEnablerFlush = dma_flush;
    config.EvtDmaEnablerEnable = dma_enable;
    config.EvtDmaEnablerDisable = dma_disable;
    config.EvtDmaEnablerSelfManagedIoStart = dma_start;
    config.EvtDmaEnablerSelfManagedIoStop = dma_stop;
    for (unsigned i = 0; i < the_wdf.enablers; i++)
        CHECK(WdfDmaEnablerCreate(the_wdf.device, &config, NULL, &the_wdf.enabler[i]) ==
              STATUS_SUCCESS);
}

/* ---- the device ---- */

static VOID device_cleanup(WDFOBJECT device)
{
    (void)device;
    note_quietly("device-cleanup");
}

static VOID device_destroy(WDFOBJECT device)
{
    (void)device;
    note_quietly("device-destroy");
}

static void register_callbacks(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy;
    const uint8_t *not = the_wdf.without;

#define SET(to, ROUTINE, value) (to) = not [FT_ROUTINE_WDF_##ROUTINE] ? NULL : (value)
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    SET(pnp.EvtDeviceD0Entry, D0_ENTRY, d0_entry);
    SET(pnp.EvtDeviceD0EntryPostInterruptsEnabled, D0_ENTRY_POST, d0_post);
    SET(pnp.EvtDeviceD0Exit, D0_EXIT, d0_exit);
    SET(pnp.EvtDeviceD0ExitPreInterruptsDisabled, D0_EXIT_PRE, d0_pre);
    SET(pnp.EvtDevicePrepareHardware, PREPARE, prepare);
    SET(pnp.EvtDeviceReleaseHardware, RELEASE, release);
    SET(pnp.EvtDeviceSelfManagedIoInit, SMIO_INIT, smio_init);
    SET(pnp.EvtDeviceSelfManagedIoSuspend, SMIO_SUSPEND, smio_suspend);
    SET(pnp.EvtDeviceSelfManagedIoRestart, SMIO_RESTART, smio_restart);
    SET(pnp.EvtDeviceSelfManagedIoFlush, SMIO_FLUSH, smio_flush);
    SET(pnp.EvtDeviceSelfManagedIoCleanup, SMIO_CLEANUP, smio_cleanup);
    SET(pnp.EvtDeviceSurpriseRemoval, SURPRISE_REMOVAL, surprise);
    SET(pnp.EvtDeviceQueryRemove, QUERY_REMOVE, query_remove);
    SET(pnp.EvtDeviceQueryStop, QUERY_STOP, query_stop);
    SET(pnp.EvtDeviceUsageNotificationEx, USAGE, usage);
    SET(pnp.EvtDeviceRelationsQuery, RELATIONS, relations);
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&policy);
    SET(policy.EvtDeviceArmWakeFromS0, ARM_S0, arm_s0);
    SET(policy.EvtDeviceDisarmWakeFromS0, DISARM_S0, disarm_s0);
    SET(policy.EvtDeviceWakeFromS0Triggered, TRIGGERED_S0, triggered_s0);
    SET(policy.EvtDeviceArmWakeFromSx, ARM_SX, arm_sx);
    SET(policy.EvtDeviceDisarmWakeFromSx, DISARM_SX, disarm_sx);
    SET(policy.EvtDeviceWakeFromSxTriggered, TRIGGERED_SX, triggered_sx);
    WdfDeviceInitSetPowerPolicyEventCallbacks(init, &policy);
#undef SET
}

static NTSTATUS device_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;

    CHECK(driver == the_wdf.driver);
    note_quietly("add");
    register_callbacks(init);
    if (the_wdf.flags & WDF_BENCH_NOT_OWNER)
        WdfDeviceInitSetPowerPolicyOwnership(init, FALSE);
    if (the_wdf.init)
        the_wdf.init(init);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = device_cleanup;
    attributes.EvtDestroyCallback = device_destroy;
    if (the_wdf.attributes)
        attributes = *the_wdf.attributes;
    status = WdfDeviceCreate(&init, &attributes, &the_wdf.device);
    if (!NT_SUCCESS(status))
        return status;
    CHECK(init == NULL && the_wdf.device != NULL);
    make_interrupts();
    make_enablers();
    if (the_wdf.add)
        status = the_wdf.add(the_wdf.device);
    return NT_SUCCESS(status) ? meet(FT_ROUTINE_WDF_DEVICE_ADD, driver) : status;
}

/* ---- the driver ---- */

static VOID unload(WDFDRIVER driver)
{
    CHECK(driver == the_wdf.driver);
    note_quietly("unload");
    meet(FT_ROUTINE_WDF_UNLOAD, driver);
}

static VOID driver_cleanup(WDFOBJECT driver)
{
    (void)driver;
    note_quietly("driver-cleanup");
}

static VOID driver_destroy(WDFOBJECT driver)
{
    (void)driver;
    note_quietly("driver-destroy");
}

int wdf_bench_entry(void *object, void *path)
{
    WDF_DRIVER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_DRIVER_CONFIG_INIT(&config, device_add);
    config.EvtDriverUnload = unload;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = driver_cleanup;
    attributes.EvtDestroyCallback = driver_destroy;
    return WdfDriverCreate(object, path, &attributes, &config, &the_wdf.driver);
}

void wdf_bench_run(const struct wdf_bench *how, const struct ft_op *op, unsigned op_count)
{
    the_wdf = *how;
    wb_run(&(struct wb_case){.entry = wdf_bench_entry,
                             .describe = how->describe,
                             .adjust = how->adjust,
                             .op = op,
                             .op_count = op_count});
}

void wdf_bench_expect(const struct wdf_bench *how, const struct ft_op *op, unsigned op_count,
                      const char *notes)
{
    wdf_bench_run(how, op, op_count);
    assert_string_equal(wb_notes(), notes);
}
