/* What else the power manager does for a driver: idle detection, power settings, the system's
 * wishes, who woke the machine, how long a power request may still take (wdm-io sheet, section 7.1;
 * the pages of the routines).
 *
 * Idle detection: a thread looks once in every idle time whether the driver has reset the counter;
 * Windows counts seconds instead, and finds out up to one idle time sooner. Of the two times the
 * conservation time counts, as on battery, unless it is zero.
 *
 * Power settings: that of the display changes when the machine sleeps and wakes; the power source
 * is always AC; others are registered and never change.
 */
#include "io/io_private.h"

#include <string.h>

enum { CALLBACK_SETTING = 3, CALLBACK_SYSTEM_STATE = 4, SECOND = 10000000 };

/* ---- idle detection ---- */

/* Behind the counter that the driver resets. */
struct idle {
    ULONG counter; /* the driver sees this */
    ULONG busy;    /* PoStartDeviceBusy without its end */
    PDEVICE_OBJECT device;
    uint32_t seconds;
    uint8_t state;
    uint8_t ended;
    uint8_t unused[2];
};

/* Not while the device sleeps already, or the machine. */
static void look(struct idle *idle)
{
    bool touched = idle->counter == 0 || idle->busy > 0;
    bool works = FT_DEV->power == FT_D0 && FT_DEV->pnp == FT_PNP_STARTED &&
                 FT_IO->system == FT_S0 && !ft_power_busy();

    idle->counter = 1;
    if (!touched && works)
        ft_power_idle(idle->device, idle->state);
}

static void watch(void *argument)
{
    struct idle *idle = argument;

    while (!idle->ended) {
        ft_task_wait(idle, FT_M->now + (uint64_t)idle->seconds * SECOND);
        if (!idle->ended)
            look(idle);
    }
    ft_block_free(idle);
}

static bool end_watch(void)
{
    struct idle *idle = FT_DEV->idle;

    if (!idle)
        return false;
    FT_DEV->idle = NULL;
    idle->ended = 1;
    ft_wake_waiters(idle, STATUS_SUCCESS, true);
    return true;
}

bool ft_power_services_end(void)
{
    return end_watch();
}

static PULONG begin_watch(PDEVICE_OBJECT device, ULONG seconds, DEVICE_POWER_STATE state)
{
    struct idle *idle = ft_block_for_driver(sizeof *idle, FT_HC_OTHER, 0);

    if (!idle)
        return NULL;
    idle->counter = 1;
    idle->device = device;
    idle->seconds = seconds;
    idle->state = (uint8_t)state;
    FT_DEV->idle = idle;
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, watch, idle, 0));
    return &idle->counter;
}

/* PoRegisterDeviceForIdleDetection: both times zero end it, and a second call replaces the first.
 * Idle times that leave the choice to the system, (ULONG)-1, are 60 seconds. */
PULONG PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT DeviceObject, ULONG ConservationIdleTime,
                                        ULONG PerformanceIdleTime, DEVICE_POWER_STATE State)
{
    struct ft_focus was;
    enum { SYSTEM_CHOICE = 60 };
    ULONG seconds = ConservationIdleTime ? ConservationIdleTime : PerformanceIdleTime;
    PULONG counter = NULL;

    FT_DDI_BEGIN(POWER, 0);
    was = ft_focus_on_owner(DeviceObject);
    if (seconds == (ULONG)-1)
        seconds = SYSTEM_CHOICE;
    end_watch();
    if (seconds && FT_M->phase != FT_PHASE_TAIL)
        counter = begin_watch(DeviceObject, seconds, State);
    ft_emit(FT_EV_IDLE_DETECTION, ft_handle_of(DeviceObject), seconds, (uint32_t)State,
            counter != NULL);
    ft_focus_back(was);
    FT_DDI_END(POWER, 0);
    return counter;
}

static bool is_detecting(const struct idle *idle)
{
    FT_EACH_DEVICE(device)
        if (idle == device->idle)
            return true;
    return false;
}

static void busy(PULONG counter, int change)
{
    struct idle *idle = (struct idle *)(void *)counter;

    if (!is_detecting(idle))
        return; /* its detection is over; the pointer may be stale */
    idle->counter = 0;
    idle->busy = (ULONG)((int)idle->busy + change);
}

VOID PoSetDeviceBusyEx(PULONG IdlePointer)
{
    FT_DDI_BEGIN(POWER, 0);
    busy(IdlePointer, 0);
    FT_DDI_END(POWER, 0);
}

VOID PoStartDeviceBusy(PULONG IdlePointer)
{
    FT_DDI_BEGIN(POWER, 0);
    busy(IdlePointer, 1);
    FT_DDI_END(POWER, 0);
}

VOID PoEndDeviceBusy(PULONG IdlePointer)
{
    FT_DDI_BEGIN(POWER, 0);
    busy(IdlePointer, -1);
    FT_DDI_END(POWER, 0);
}

/* ---- power settings ---- */

struct setting {
    GUID guid;
    PPOWER_SETTING_CALLBACK callback;
    PVOID context;
    uint8_t running; /* calls of the callback */
    uint8_t ended;
    uint8_t unused[6];
};

static bool follows_display(const GUID *guid)
{
    static const GUID display[] = {
        {0x6fe69556, 0x704a, 0x47a0, {0x8f, 0x24, 0xc2, 0x8d, 0x93, 0x6f, 0xda, 0x47}},
        {0x02731015, 0x4510, 0x4526, {0x99, 0xe6, 0xe5, 0xa1, 0x7e, 0xbd, 0x1a, 0xea}}};

    return memcmp(guid, &display[0], sizeof *guid) == 0 ||
           memcmp(guid, &display[1], sizeof *guid) == 0;
}

static bool is_power_source(const GUID *guid)
{
    static const GUID source = {
        0x5d3e9a59, 0xe9d5, 0x4b00, {0xa6, 0xbd, 0xff, 0x34, 0xff, 0x51, 0x65, 0x48}};

    return memcmp(guid, &source, sizeof *guid) == 0;
}

static uint64_t call_setting(void *setting_, void *value, void *unused, void *unused2)
{
    struct setting *setting = setting_;

    (void)unused;
    (void)unused2;
    return (uint32_t)setting->callback(&setting->guid, value, sizeof(ULONG), setting->context);
}

/* In tasks. The block stays until the last call has returned. */
static void tell(struct setting *setting, ULONG value)
{
    setting->running++;
    ft_call_driver_routine(FT_ROUTINE_CALLBACK, ft_block_handle(setting), 0, 0, call_setting,
                           setting, &value, NULL, NULL);
    setting->running--;
    ft_wake_waiters(setting, STATUS_SUCCESS, true);
}

void ft_power_display(bool on)
{
    for (unsigned i = 0; i < FT_SETTINGS_MAX; i++) {
        struct setting *setting = FT_IO->setting[i];

        if (setting && follows_display(&setting->guid))
            tell(setting, on);
    }
}

/* The present value, soon after the registration; it may be gone again by then. */
static void tell_first(void *argument)
{
    struct setting *setting = *(void **)argument;

    if (!setting)
        return;
    if (follows_display(&setting->guid))
        tell(setting, FT_IO->system == FT_S0);
    else if (is_power_source(&setting->guid))
        tell(setting, 0);
}

static struct setting *register_setting(const GUID *guid, PPOWER_SETTING_CALLBACK callback,
                                        PVOID context)
{
    for (unsigned i = 0; i < FT_SETTINGS_MAX; i++) {
        struct setting *setting;

        if (FT_IO->setting[i])
            continue;
        setting = ft_block_for_driver(sizeof *setting, FT_HC_OTHER, 0);
        if (!setting)
            return NULL;
        setting->guid = *guid;
        setting->callback = callback;
        setting->context = context;
        FT_IO->setting[i] = setting;
        ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, tell_first, &FT_IO->setting[i], 0));
        return setting;
    }
    return NULL;
}

/* PoRegisterPowerSettingCallback: the callback runs at PASSIVE_LEVEL, the first time soon after. */
NTSTATUS PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, LPCGUID SettingGuid,
                                        PPOWER_SETTING_CALLBACK Callback, PVOID Context,
                                        PVOID *Handle)
{
    struct setting *setting;

    (void)DeviceObject;
    FT_DDI_BEGIN(CALLBACK, 0);
    setting = register_setting(SettingGuid, Callback, Context);
    if (setting) {
        if (Handle)
            *Handle = setting;
        ft_emit(FT_EV_CALLBACK, CALLBACK_SETTING, true);
    }
    FT_DDI_END(CALLBACK, 0);
    return setting ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static bool unregister_setting(struct setting *setting)
{
    for (unsigned i = 0; i < FT_SETTINGS_MAX; i++) {
        if (!setting || FT_IO->setting[i] != setting)
            continue;
        FT_IO->setting[i] = NULL;
        while (setting->running > 0)
            ft_task_wait(setting, 0);
        ft_block_free(setting);
        return true;
    }
    return false;
}

/* Waits for a callback that runs; none begins afterwards. */
NTSTATUS PoUnregisterPowerSettingCallback(PVOID Handle)
{
    bool found;

    FT_DDI_BEGIN(CALLBACK, 0);
    found = unregister_setting(Handle);
    if (found)
        ft_emit(FT_EV_CALLBACK, CALLBACK_SETTING, false);
    FT_DDI_END(CALLBACK, 0);
    return found ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* ---- the system's wishes ---- */

/* A registration keeps the machine from sleeping of itself, which this one never does. */
PVOID PoRegisterSystemState(PVOID StateHandle, EXECUTION_STATE Flags)
{
    EXECUTION_STATE *state = StateHandle;

    FT_DDI_BEGIN(CALLBACK, 0);
    if (!state) {
        state = ft_block_for_driver(sizeof *state, FT_HC_OTHER, 0);
        if (state)
            ft_emit(FT_EV_CALLBACK, CALLBACK_SYSTEM_STATE, true);
    }
    if (state)
        *state = Flags;
    FT_DDI_END(CALLBACK, 0);
    return state;
}

VOID PoUnregisterSystemState(PVOID StateHandle)
{
    FT_DDI_BEGIN(CALLBACK, 0);
    if (ft_block_is_live(StateHandle, FT_HC_OTHER)) {
        ft_emit(FT_EV_CALLBACK, CALLBACK_SYSTEM_STATE, false);
        ft_block_free(StateHandle);
    }
    FT_DDI_END(CALLBACK, 0);
}

/* Resets the machine's idle time, which is not counted here. */
VOID PoSetSystemState(EXECUTION_STATE Flags)
{
    (void)Flags;
    FT_DDI_BEGIN(POWER, 0);
    FT_DDI_END(POWER, 0);
}

/* ---- who woke the machine; how long it may take ---- */

VOID PoSetSystemWake(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(POWER, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    if (ft_irp_private(Irp))
        ft_irp_private(Irp)->woke = 1;
    FT_DDI_END(POWER, label);
}

BOOLEAN PoGetSystemWake(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);
    BOOLEAN woke;

    FT_DDI_BEGIN(POWER, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    woke = ft_irp_private(Irp) && ft_irp_private(Irp)->woke;
    FT_DDI_END(POWER, label);
    return woke;
}

/* The watchdog gives a power request ten minutes. */
BOOLEAN PoQueryWatchdogTime(PDEVICE_OBJECT Pdo, PULONG SecondsRemaining)
{
    struct ft_focus was;
    enum { LIMIT = 600 };
    uint64_t sent_at, seconds;
    bool waits;

    FT_DDI_BEGIN(POWER, 0);
    was = ft_focus_on_owner(Pdo);
    waits = ft_power_sent_at(&sent_at);
    if (waits) {
        seconds = (FT_M->now - sent_at) / SECOND;
        *SecondsRemaining = seconds < LIMIT ? (ULONG)(LIMIT - seconds) : 0;
    }
    ft_focus_back(was);
    FT_DDI_END(POWER, 0);
    return waits;
}
