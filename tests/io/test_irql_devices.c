/* The levels of routines about devices, interrupts and power (wdm-io, 8): judged at every wrong
 * one, at no right one. */
#include "irql_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define COUNT(rows)     (sizeof(rows) / sizeof *(rows))
#define LOW_TO(highest) PASSIVE_LEVEL, (highest)

static PDEVICE_OBJECT device, upper;

static void new_device(void)
{
    CHECK(NT_SUCCESS(
        IoCreateDevice(wb_driver_object(), 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)));
}

/* ---- devices ---- */

static UNICODE_STRING interface;
static IO_REMOVE_LOCK lock;
static const GUID class_ = {1, 2, 3, {4}};

static void stacked(void)
{
    new_device();
    upper = device;
    new_device();
    IoAttachDeviceToDeviceStack(upper, device);
}

static void delete_device(void)
{
    IoDeleteDevice(device);
}

static void detach(void)
{
    IoDetachDevice(device);
}

static void new_interface(void)
{
    IoRegisterDeviceInterface(the_driver.below, &class_, NULL, &interface);
}

static void enable_interface(void)
{
    IoSetDeviceInterfaceState(&interface, TRUE);
}

static void get_property(void)
{
    ULONG value, length;

    IoGetDeviceProperty(the_driver.below, DevicePropertyBusNumber, sizeof value, &value, &length);
}

static void create_link(void)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\One"), name = RTL_CONSTANT_STRING(L"\\One");

    IoCreateSymbolicLink(&link, &name);
}

static void invalidate_state(void)
{
    IoInvalidateDeviceState(the_driver.below);
}

static void invalidate_relations(void)
{
    IoInvalidateDeviceRelations(the_driver.below, BusRelations);
}

static void new_lock(void)
{
    IoInitializeRemoveLock(&lock, 1, 0, 0);
}

static void held_lock(void)
{
    new_lock();
    IoAcquireRemoveLock(&lock, &lock);
}

static void acquire(void)
{
    IoAcquireRemoveLock(&lock, &lock);
}

static void release(void)
{
    IoReleaseRemoveLock(&lock, &lock);
}

static void release_and_wait(void)
{
    IoReleaseRemoveLockAndWait(&lock, &lock);
}

static void allocate_log(void)
{
    IoFreeErrorLogEntry(IoAllocateErrorLogEntry(the_driver.device, sizeof(IO_ERROR_LOG_PACKET)));
}

static void open_and_close_key(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes)))
        ZwClose(key);
}

static const struct irql_row device_rows[] = {
    {"IoCreateDevice", LOW_TO(APC_LEVEL), NULL, new_device},
    {"IoDeleteDevice", LOW_TO(APC_LEVEL), new_device, delete_device},
    {"IoDetachDevice", LOW_TO(PASSIVE_LEVEL), stacked, detach},
    {"IoRegisterDeviceInterface", LOW_TO(PASSIVE_LEVEL), NULL, new_interface},
    {"IoSetDeviceInterfaceState", LOW_TO(PASSIVE_LEVEL), new_interface, enable_interface},
    {"IoGetDeviceProperty", LOW_TO(PASSIVE_LEVEL), NULL, get_property},
    {"IoCreateSymbolicLink", LOW_TO(PASSIVE_LEVEL), NULL, create_link},
    {"IoInvalidateDeviceState", LOW_TO(DISPATCH_LEVEL), NULL, invalidate_state},
    {"IoInvalidateDeviceRelations", LOW_TO(DISPATCH_LEVEL), NULL, invalidate_relations},
    {"IoInitializeRemoveLock", LOW_TO(PASSIVE_LEVEL), NULL, new_lock},
    {"IoAcquireRemoveLock", LOW_TO(DISPATCH_LEVEL), new_lock, acquire},
    {"IoReleaseRemoveLock", LOW_TO(DISPATCH_LEVEL), held_lock, release},
    {"IoReleaseRemoveLockAndWait", LOW_TO(PASSIVE_LEVEL), held_lock, release_and_wait},
    {"IoAllocateErrorLogEntry", LOW_TO(DISPATCH_LEVEL), NULL, allocate_log},
    {"ZwOpenKey", LOW_TO(PASSIVE_LEVEL), NULL, open_and_close_key},
};

static void devices(void **state)
{
    (void)state;
    irql_windows(device_rows, COUNT(device_rows), NULL);
}

/* ---- timers and work items ---- */

static PIO_WORKITEM item;

static VOID tick(PDEVICE_OBJECT object, PVOID context)
{
    (void)object, (void)context;
}

static void init_timer(void)
{
    IoInitializeTimer(device, tick, NULL);
}

static void new_timer(void)
{
    new_device();
    init_timer();
}

static void start_timer(void)
{
    IoStartTimer(device);
}

static void stop_timer(void)
{
    IoStopTimer(device);
}

static void new_item(void)
{
    item = IoAllocateWorkItem(the_driver.device);
}

static VOID works(PDEVICE_OBJECT object, PVOID context)
{
    (void)object, (void)context;
}

static void queue_item(void)
{
    IoQueueWorkItem(item, works, DelayedWorkQueue, NULL);
}

static void free_item(void)
{
    IoFreeWorkItem(item);
}

static const struct irql_row timer_rows[] = {
    {"IoInitializeTimer", LOW_TO(PASSIVE_LEVEL), new_device, init_timer},
    {"IoStartTimer", LOW_TO(DISPATCH_LEVEL), new_timer, start_timer},
    {"IoStopTimer", LOW_TO(DISPATCH_LEVEL), new_timer, stop_timer},
    {"IoAllocateWorkItem", LOW_TO(DISPATCH_LEVEL), NULL, new_item},
    {"IoQueueWorkItem", LOW_TO(DISPATCH_LEVEL), new_item, queue_item},
    {"IoFreeWorkItem", LOW_TO(DISPATCH_LEVEL), new_item, free_item},
};

static void timers_and_work_items(void **state)
{
    (void)state;
    irql_windows(timer_rows, COUNT(timer_rows), NULL);
}

/* ---- interrupts ---- */

static KIRQL old;

static void connect(void)
{
    IoConnectInterrupt(&the_driver.interrupt, irql_isr, NULL, NULL, the_driver.vector, IRQL_DIRQL,
                       IRQL_DIRQL, LevelSensitive, TRUE, 1, FALSE);
}

static void connect_ex(void)
{
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_LINE_BASED};

    how.LineBased.PhysicalDeviceObject = the_driver.below;
    how.LineBased.InterruptObject = &the_driver.interrupt;
    how.LineBased.ServiceRoutine = irql_isr;
    IoConnectInterruptEx(&how);
}

static void disconnect(void)
{
    PKINTERRUPT interrupt = the_driver.interrupt;

    the_driver.interrupt = NULL;
    IoDisconnectInterrupt(interrupt);
}

static BOOLEAN synchronized(PVOID context)
{
    (void)context;
    return TRUE;
}

static void synchronize(void)
{
    KeSynchronizeExecution(the_driver.interrupt, synchronized, NULL);
}

static void interrupt_lock(void)
{
    old = KeAcquireInterruptSpinLock(the_driver.interrupt);
    KeReleaseInterruptSpinLock(the_driver.interrupt, old);
}

static void report_inactive(void)
{
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS how = {.Version = CONNECT_FULLY_SPECIFIED};

    how.ConnectionContext.InterruptObject = the_driver.interrupt;
    IoReportInterruptInactive(&how);
}

static void dispatch_routine_of_dpc(PKDPC dpc, PDEVICE_OBJECT object, PIRP irp, PVOID context)
{
    (void)dpc, (void)object, (void)irp, (void)context;
}

static void with_dpc(void)
{
    IoInitializeDpcRequest(the_driver.device, dispatch_routine_of_dpc);
}

static void request_dpc(void)
{
    IoRequestDpc(the_driver.device, NULL, NULL);
}

static const struct irql_row interrupt_rows[] = {
    {"IoConnectInterrupt", LOW_TO(PASSIVE_LEVEL), disconnect, connect},
    {"IoConnectInterruptEx", LOW_TO(PASSIVE_LEVEL), disconnect, connect_ex},
    {"IoDisconnectInterrupt", LOW_TO(PASSIVE_LEVEL), NULL, disconnect},
    {"KeSynchronizeExecution", LOW_TO(IRQL_DIRQL), NULL, synchronize},
    {"KeAcquireInterruptSpinLock", LOW_TO(IRQL_DIRQL), NULL, interrupt_lock},
    {"IoReportInterruptInactive", LOW_TO(DISPATCH_LEVEL), NULL, report_inactive},
    /* Its page names DIRQL, its remarks allow the others (wdm-io, 17.1). */
    {"IoRequestDpc", LOW_TO(IRQL_ANY), with_dpc, request_dpc},
};

static void interrupts(void **state)
{
    (void)state;
    irql_windows(interrupt_rows, COUNT(interrupt_rows), NULL);
}

/* ---- power and memory ---- */

static PVOID window;
static PMDL mdl, part;
static UCHAR *bytes;

static void request_power(void)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD3};

    PoRequestPowerIrp(the_driver.device, IRP_MN_QUERY_POWER, state, NULL, NULL, NULL);
}

static void set_power_state(void)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD0};

    PoSetPowerState(the_driver.device, DevicePowerState, state);
}

static void register_idle(void)
{
    PoRegisterDeviceForIdleDetection(the_driver.device, 1, 1, PowerDeviceD3);
}

static void start_next_power(void)
{
    PoStartNextPowerIrp(NULL);
}

static void map(void)
{
    PHYSICAL_ADDRESS address = the_driver.translated[0].u.Memory.Start;

    window = MmMapIoSpace(address, WB_BAR_BYTES, MmNonCached);
}

static void unmap(void)
{
    MmUnmapIoSpace(window, WB_BAR_BYTES);
}

static void read_register(void)
{
    READ_REGISTER_ULONG((PULONG)the_driver.registers);
}

static void new_mdl(void)
{
    bytes = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 0x31676154);
    mdl = IoAllocateMdl(bytes, 64, FALSE, FALSE, NULL);
}

static void build_mdl(void)
{
    MmBuildMdlForNonPagedPool(mdl);
}

static void built_mdl(void)
{
    new_mdl();
    build_mdl();
    part = IoAllocateMdl(bytes, 64, FALSE, FALSE, NULL);
}

static void lock_mdl(void)
{
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
}

static void locked_mdl(void)
{
    new_mdl();
    lock_mdl();
}

static void allocate_mdl(void)
{
    IoAllocateMdl(bytes, 64, FALSE, FALSE, NULL);
}

static void free_mdl(void)
{
    IoFreeMdl(mdl);
}

static void build_partial(void)
{
    IoBuildPartialMdl(mdl, part, bytes, 32);
}

static void unlock_mdl(void)
{
    MmUnlockPages(mdl);
}

static void system_address(void)
{
    MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
}

static const struct irql_row memory_rows[] = {
    {"PoRequestPowerIrp", LOW_TO(DISPATCH_LEVEL), NULL, request_power},
    {"PoSetPowerState", LOW_TO(DISPATCH_LEVEL), NULL, set_power_state},
    {"PoStartNextPowerIrp", LOW_TO(DISPATCH_LEVEL), NULL, start_next_power},
    {"PoRegisterDeviceForIdleDetection", LOW_TO(APC_LEVEL), NULL, register_idle},
    {"MmMapIoSpace", LOW_TO(DISPATCH_LEVEL), NULL, map},
    {"MmUnmapIoSpace", LOW_TO(DISPATCH_LEVEL), map, unmap},
    {"READ_REGISTER_ULONG", LOW_TO(IRQL_ANY), NULL, read_register},
    {"IoAllocateMdl", LOW_TO(DISPATCH_LEVEL), new_mdl, allocate_mdl},
    {"IoFreeMdl", LOW_TO(DISPATCH_LEVEL), new_mdl, free_mdl},
    {"MmBuildMdlForNonPagedPool", LOW_TO(DISPATCH_LEVEL), new_mdl, build_mdl},
    {"IoBuildPartialMdl", LOW_TO(DISPATCH_LEVEL), built_mdl, build_partial},
    {"MmProbeAndLockPages", LOW_TO(DISPATCH_LEVEL), new_mdl, lock_mdl},
    {"MmUnlockPages", LOW_TO(DISPATCH_LEVEL), locked_mdl, unlock_mdl},
    {"MmGetSystemAddressForMdlSafe", LOW_TO(DISPATCH_LEVEL), locked_mdl, system_address},
};

static void power_and_memory(void **state)
{
    (void)state;
    irql_windows(memory_rows, COUNT(memory_rows), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices),
        cmocka_unit_test(timers_and_work_items),
        cmocka_unit_test(interrupts),
        cmocka_unit_test(power_and_memory),
    };

    return cmocka_run_group_tests_name("levels of device routines", tests, NULL, NULL);
}
