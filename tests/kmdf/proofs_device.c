/* Drivers, devices and what they say before they are made (proofs_device.def). */
#include "proof_bench.h"

#include "kmdf/pnp_private.h"

#include <string.h>

static const GUID a_class = {0x12345678, 1, 2, {3}};
static const GUID no_class = {0x87654321, 1, 2, {3}};
static UNICODE_STRING named_;

static PUNICODE_STRING name(PCWSTR words)
{
    RtlInitUnicodeString(&named_, words);
    return &named_;
}

/* A name that no structure of the machine's can hold. */
static PUNICODE_STRING long_name(void)
{
    static WCHAR text[512];

    for (unsigned i = 0; i < 511; i++)
        text[i] = 'x';
    return name(text);
}

static NTSTATUS filter_nothing(WDFDEVICE device, WDFIORESREQLIST requirements)
{
    (void)device;
    (void)requirements;
    return STATUS_SUCCESS;
}

static VOID in_caller(WDFDEVICE device, WDFREQUEST request)
{
    (void)device;
    (void)request;
}

static VOID pnp_changed(WDFDEVICE device, PCWDF_DEVICE_PNP_NOTIFICATION_DATA what)
{
    (void)device;
    (void)what;
}

static VOID power_changed(WDFDEVICE device, PCWDF_DEVICE_POWER_NOTIFICATION_DATA what)
{
    (void)device;
    (void)what;
}

static VOID policy_changed(WDFDEVICE device, PCWDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA what)
{
    (void)device;
    (void)what;
}

static NTSTATUS add_nothing(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
    (void)driver;
    (void)init;
    return STATUS_SUCCESS;
}

static VOID nothing(WDFDEVICE device)
{
    (void)device;
}

static NTSTATUS preprocess(WDFDEVICE device, PIRP irp)
{
    wb_note("preprocess");
    return WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
}

static NTSTATUS other_preprocess(WDFDEVICE device, PIRP irp)
{
    return WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
}

static PWDF_DRIVER_CONFIG driver_config(ULONG cut)
{
    static WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    config.Size -= cut;
    return &config;
}

/* Drops the driver that a row of P_ENTRY has made, so that the bench can make its own. */
static NTSTATUS and_gone(NTSTATUS status)
{
    if (NT_SUCCESS(status))
        ft_wdf_entry_failed();
    return status;
}
#define PATH ((PUNICODE_STRING)ready[A_STRING])

/* ---- the init of a control device, which a row may spoil ---- */

static PWDFDEVICE_INIT control_init_;

static PWDFDEVICE_INIT *control_init(PCWSTR words)
{
    UNICODE_STRING sddl = RTL_CONSTANT_STRING(L"D:P");

    control_init_ = SPARED(WdfControlDeviceInitAllocate(P_DRIVER, &sddl));
    CHECK(control_init_ != NULL);
    if (words)
        CHECK(WdfDeviceInitAssignName(control_init_, name(words)) == STATUS_SUCCESS);
    return &control_init_;
}

/* A row that fails leaves the init. */
static NTSTATUS without_init(NTSTATUS status)
{
    if (!NT_SUCCESS(status))
        WdfDeviceInitFree(control_init_);
    return status;
}

static WDFDEVICE control_device(void)
{
    WDFDEVICE device = NULL;

    CHECK(SPARED(WdfDeviceCreate(control_init(L"\\Device\\Proof"), NULL, &device)) ==
          STATUS_SUCCESS);
    return device;
}

/* A device that another row's assertion is about goes again. */
static bool delete_after(WDFDEVICE device, bool shown)
{
    WdfObjectDelete(device);
    return shown;
}

/* ---- settings ---- */

static PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle(WDF_POWER_POLICY_S0_IDLE_CAPABILITIES caps,
                                                   ULONG cut)
{
    static WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, caps);
    settings.Size -= cut;
    return &settings;
}

static PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake(ULONG cut)
{
    static WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    settings.Size -= cut;
    return &settings;
}

static PWDF_QUERY_INTERFACE_CONFIG query(ULONG cut)
{
    static INTERFACE interface = {.Size = sizeof interface};
    static WDF_QUERY_INTERFACE_CONFIG config;

    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &interface, &a_class, NULL);
    config.Size -= cut;
    return &config;
}

static struct ft_wdf_pnp *pnp(void)
{
    return ft_wdf_pnp_of((struct ft_wdf_device *)P_DEVICE);
}

static WDFDEVICE with_interface(void)
{
    CHECK(SPARED(WdfDeviceCreateDeviceInterface(P_DEVICE, &a_class, NULL)) == STATUS_SUCCESS);
    return P_DEVICE;
}

/* A structure with its Size wrong by one. */
#define CUT(type)                                                                                  \
    ({                                                                                             \
        static type cut_;                                                                          \
        cut_.Size = sizeof cut_ - 1;                                                               \
        &cut_;                                                                                     \
    })
/* … and a sound one. */
#define SIZED(type, ...)                                                                           \
    ({                                                                                             \
        static type sound_;                                                                        \
        sound_ = (type){.Size = sizeof sound_, __VA_ARGS__};                                       \
        &sound_;                                                                                   \
    })

#define PROOFS "proofs_device.def"
#include "proof_rows.h"
