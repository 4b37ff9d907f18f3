/* See bus_bench.h. */
#include "bus_bench.h"
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <initguid.h>
#include <wdmguid.h>

struct bus_bench the_bus;

struct id {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header;
    ULONG number;
};

typedef struct {
    ULONG number;
} kid_context;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(kid_context, context_of)

static void note_number(ULONG number, const char *what)
{
    char note[40];

    snprintf(note, sizeof note, "%c.%s", 'a' + (int)number - 1, what);
    wb_note(note);
}

static ULONG number_of(WDFOBJECT child)
{
    return context_of(child)->number;
}

static struct bus_kid *kid_of(WDFOBJECT child)
{
    return &the_bus.kid[number_of(child)];
}

static void note(WDFOBJECT child, const char *what)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    note_number(number_of(child), what);
}

static void note_state(WDFOBJECT child, const char *what, WDF_POWER_DEVICE_STATE state)
{
    static const char *const states[] = {"?", "d0", "d1", "d2", "d3", "d3f", "hib"};
    char text[32];

    snprintf(text, sizeof text, "%s:%s", what, states[state]);
    note(child, text);
}

/* ---- callbacks of a child ---- */

static NTSTATUS prepare(WDFDEVICE child, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR first = WdfCmResourceListGetDescriptor(translated, 0);

    (void)raw;
    note(child, "prepare");
    the_bus.memory = first ? (ULONGLONG)first->u.Memory.Start.QuadPart : 0;
    return kid_of(child)->prepare_answer;
}

static NTSTATUS release(WDFDEVICE child, WDFCMRESLIST translated)
{
    (void)translated;
    note(child, "release");
    return STATUS_SUCCESS;
}

static NTSTATUS d0_entry(WDFDEVICE child, WDF_POWER_DEVICE_STATE previous)
{
    note_state(child, "d0-entry", previous);
    return ++the_bus.d0_calls == kid_of(child)->d0_call ? kid_of(child)->d0_answer : STATUS_SUCCESS;
}

static NTSTATUS d0_exit(WDFDEVICE child, WDF_POWER_DEVICE_STATE target)
{
    note_state(child, "d0-exit", target);
    return STATUS_SUCCESS;
}

#define KID_CALLBACK(name, text, answer)                                                           \
    static NTSTATUS name(WDFDEVICE child)                                                          \
    {                                                                                              \
        note(child, text);                                                                         \
        return answer;                                                                             \
    }
#define KID_NOTE(name, text)                                                                       \
    static VOID name(WDFDEVICE child)                                                              \
    {                                                                                              \
        note(child, text);                                                                         \
    }
KID_CALLBACK(init, "init", STATUS_SUCCESS)
KID_CALLBACK(suspend, "suspend", STATUS_SUCCESS)
KID_CALLBACK(restart, "restart", STATUS_SUCCESS)
KID_CALLBACK(query_remove, "query-remove", kid_of(child)->query_answer)
KID_CALLBACK(query_stop, "query-stop", kid_of(child)->query_answer)
KID_CALLBACK(arm, "arm", STATUS_SUCCESS)
KID_CALLBACK(eject, "eject", kid_of(child)->eject_answer)
KID_NOTE(flush, "flush")
KID_NOTE(cleanup, "cleanup")
KID_NOTE(surprise, "surprise")
KID_NOTE(disarm, "disarm")
KID_NOTE(woke, "woke")
KID_NOTE(bus_off, "bus-off")
KID_NOTE(missing, "missing")

static NTSTATUS bus_on(WDFDEVICE child, SYSTEM_POWER_STATE state)
{
    char text[24];

    snprintf(text, sizeof text, "bus-on:s%d", (int)state - PowerSystemWorking);
    note(child, text);
    return kid_of(child)->bus_wake_answer;
}

static NTSTATUS requirements(WDFDEVICE child, WDFIORESREQLIST wishes)
{
    IO_RESOURCE_DESCRIPTOR wish = {.Type = CmResourceTypeMemory};
    WDFIORESLIST one;

    if (kid_of(child)->memory == 0)
        return STATUS_SUCCESS;
    wish.u.Memory.Length = wish.u.Memory.Alignment = kid_of(child)->memory;
    wish.u.Memory.MinimumAddress.QuadPart = 0x70000001;
    wish.u.Memory.MaximumAddress.QuadPart = 0x7FFFFFFF;
    CHECK(WdfIoResourceListCreate(wishes, NULL, &one) == STATUS_SUCCESS);
    CHECK(WdfIoResourceListAppendDescriptor(one, &wish) == STATUS_SUCCESS);
    return WdfIoResourceRequirementsListAppendIoResList(wishes, one);
}

static VOID gone(WDFOBJECT child)
{
    note(child, "gone");
}

/* ---- making a child ---- */

static void set_callbacks(PWDFDEVICE_INIT child)
{
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy;
    WDF_PDO_EVENT_CALLBACKS pdo;

    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    pnp.EvtDevicePrepareHardware = prepare;
    pnp.EvtDeviceReleaseHardware = release;
    pnp.EvtDeviceD0Entry = d0_entry;
    pnp.EvtDeviceD0Exit = d0_exit;
    pnp.EvtDeviceSelfManagedIoInit = init;
    pnp.EvtDeviceSelfManagedIoSuspend = suspend;
    pnp.EvtDeviceSelfManagedIoRestart = restart;
    pnp.EvtDeviceSelfManagedIoFlush = flush;
    pnp.EvtDeviceSelfManagedIoCleanup = cleanup;
    pnp.EvtDeviceQueryRemove = query_remove;
    pnp.EvtDeviceQueryStop = query_stop;
    pnp.EvtDeviceSurpriseRemoval = surprise;
    WdfDeviceInitSetPnpPowerEventCallbacks(child, &pnp);
    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&policy);
    policy.EvtDeviceArmWakeFromS0 = policy.EvtDeviceArmWakeFromSx = arm;
    policy.EvtDeviceDisarmWakeFromS0 = policy.EvtDeviceDisarmWakeFromSx = disarm;
    policy.EvtDeviceWakeFromS0Triggered = policy.EvtDeviceWakeFromSxTriggered = woke;
    WdfDeviceInitSetPowerPolicyEventCallbacks(child, &policy);
    WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
    pdo.EvtDeviceResourceRequirementsQuery = requirements;
    pdo.EvtDeviceEject = eject;
    pdo.EvtDeviceReportedMissing = missing;
    pdo.EvtDeviceEnableWakeAtBus = bus_on;
    pdo.EvtDeviceDisableWakeAtBus = bus_off;
    WdfPdoInitSetEventCallbacks(child, &pdo);
}

static void name_child(PWDFDEVICE_INIT child, ULONG number)
{
    DECLARE_CONST_UNICODE_STRING(id, L"BENCH\\Kid");
    WCHAR text[] = L"0";
    UNICODE_STRING instance;

    text[0] = (WCHAR)(L'0' + number);
    RtlInitUnicodeString(&instance, text);
    CHECK(WdfPdoInitAssignDeviceID(child, &id) == STATUS_SUCCESS);
    CHECK(WdfPdoInitAddHardwareID(child, &id) == STATUS_SUCCESS);
    CHECK(WdfPdoInitAssignInstanceID(child, &instance) == STATUS_SUCCESS);
    CHECK(WdfPdoInitAddDeviceText(child, &id, &instance, 0x409) == STATUS_SUCCESS);
    WdfPdoInitSetDefaultLocale(child, 0x409);
}

static void say_what_it_can(WDFDEVICE child, const struct bus_kid *kid)
{
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_DEVICE_POWER_CAPABILITIES power;

    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.EjectSupported = pnp.Removable = kid->ejects ? WdfTrue : WdfFalse;
    WdfDeviceSetPnpCapabilities(child, &pnp);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    power.SystemWake = PowerSystemSleeping3;
    power.DeviceWake = PowerDeviceD3;
    if (kid->wakes)
        WdfDeviceSetPowerCapabilities(child, &power);
}

static void set_policy(WDFDEVICE child, const struct bus_kid *kid)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle;
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake;

    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, kid->wakes ? IdleCanWakeFromS0
                                                                 : IdleCannotWakeFromS0);
    idle.IdleTimeout = 2;
    if (kid->idles)
        CHECK(WdfDeviceAssignS0IdleSettings(child, &idle) == STATUS_SUCCESS);
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&wake);
    if (kid->wakes)
        CHECK(WdfDeviceAssignSxWakeSettings(child, &wake) == STATUS_SUCCESS);
}

static NTSTATUS create(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                       PWDFDEVICE_INIT child)
{
    ULONG number = ((struct id *)(void *)id)->number;
    const struct bus_kid *kid = &the_bus.kid[number];
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;

    (void)list;
    note_number(number, "create");
    set_callbacks(child);
    name_child(child, number);
    if (kid->raw)
        CHECK(WdfPdoInitAssignRawDevice(child, &GUID_BUS_TYPE_INTERNAL) == STATUS_SUCCESS);
    if (kid->independent)
        WdfPdoInitRemovePowerDependencyOnParent(child);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, kid_context);
    attributes.EvtCleanupCallback = gone;
    CHECK(WdfDeviceCreate(&child, &attributes, &device) == STATUS_SUCCESS);
    context_of(device)->number = number;
    the_bus.device[number] = device;
    say_what_it_can(device, kid);
    set_policy(device, kid);
    return STATUS_SUCCESS;
}

/* ---- the bus ---- */

static BOOLEAN again(WDFCHILDLIST list, WDFDEVICE old,
                     PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER old_address,
                     PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER new_address)
{
    CHECK(list == the_bus.list && KeGetCurrentIrql() == DISPATCH_LEVEL);
    CHECK(!old_address && !new_address);
    note_number(number_of(old), "again");
    return !the_bus.refuses_again;
}

static void set_list(PWDFDEVICE_INIT device)
{
    WDF_CHILD_LIST_CONFIG config;

    WDF_CHILD_LIST_CONFIG_INIT(&config, sizeof(struct id), create);
    config.EvtChildListDeviceReenumerated = again;
    WdfFdoInitSetDefaultChildListConfig(device, &config, NULL);
}

static VOID on_control(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    (void)output, (void)input, (void)code;
    the_bus.script(WdfIoQueueGetDevice(queue));
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static NTSTATUS add_bus(WDFDEVICE device)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle;
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = on_control;
    config.PowerManaged = WdfFalse;
    CHECK(WdfIoQueueCreate(device, &config, NULL, NULL) == STATUS_SUCCESS);
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, IdleCannotWakeFromS0);
    idle.IdleTimeout = the_bus.idle_ms;
    if (the_bus.idle_ms)
        CHECK(WdfDeviceAssignS0IdleSettings(device, &idle) == STATUS_SUCCESS);
    the_bus.list = WdfFdoGetDefaultChildList(device);
    for (ULONG i = 1; i <= BUS_KIDS; i++)
        if (the_bus.kid[i].present)
            CHECK(bus_add(i) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static struct id id_of(ULONG number)
{
    return (struct id){{sizeof(struct id)}, number};
}

NTSTATUS bus_add(ULONG number)
{
    struct id id = id_of(number);

    return WdfChildListAddOrUpdateChildDescriptionAsPresent(the_bus.list, &id.header, NULL);
}

NTSTATUS bus_lose(ULONG number)
{
    struct id id = id_of(number);

    return WdfChildListUpdateChildDescriptionAsMissing(the_bus.list, &id.header);
}

BOOLEAN bus_request_eject(ULONG number)
{
    struct id id = id_of(number);

    return WdfChildListRequestChildEject(the_bus.list, &id.header);
}

/* The clock is the last to run. */
void bus_settle(void)
{
    LARGE_INTEGER interval = {.QuadPart = -10000};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

/* ---- a run, under the eyes of the rules ---- */

static struct ft_rules *rules;

static bool watch(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(rules, true, 0);
    return ft_rules_event(rules, event);
}

static void assert_findings(const char *rule)
{
    struct ft_verdict verdict = {0};

    ft_rules_verdict(rules, &verdict);
    for (uint32_t i = 0; i < verdict.finding_count; i++)
        assert_string_equal(ft_rule_by_number(verdict.finding[i].rule)->id, rule ? rule : "");
    assert_int_equal(verdict.finding_count > 0, rule != NULL);
}

void bus_expect(const struct bus_bench *how, const struct ft_op *op, unsigned op_count,
                const char *notes)
{
    struct ft_op all[8] = {{.kind = FT_OP_IOCTL, .arg = {0, 16}}};
    unsigned first = how->script != NULL;

    the_bus = *how;
    the_wdf = (struct wdf_bench){.init = set_list, .add = add_bus, .flags = WDF_BENCH_QUIET};
    if (op_count)
        memcpy(all + first, op, op_count * sizeof *op);
    rules = calloc(1, ft_rules_state_bytes());
    assert_non_null(rules);
    wb_run(&(struct wb_case){
        .entry = wdf_bench_entry, .op = all, .op_count = op_count + first, .tap = watch});
    assert_string_equal(wb_notes(), notes);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_findings(how->rule);
    free(rules);
}

void bus_walk(const struct bus_row *row, unsigned count)
{
    for (; count > 0; count--, row++) {
        struct ft_op op[2];
        unsigned ops = 0;

        for (; ops < 2 && row->op[ops]; ops++)
            op[ops] = (struct ft_op){.kind = row->op[ops], .arg = {0}};
        print_message("%s\n", row->name);
        bus_expect(&row->how, op, ops, row->notes);
    }
}
