/* The device objects of adapters: AddDevice, and how they come and go. */
#include "scsiport/adapter.h"

#include <stdio.h>

enum { NAME_MAX_CHARS = 32 };

struct name {
    UNICODE_STRING string;
    WCHAR text[NAME_MAX_CHARS];
};

/* `pattern` with the adapter's number in it. */
static void make_name(struct name *name, const char *pattern, unsigned number)
{
    char text[NAME_MAX_CHARS];
    int length = snprintf(text, sizeof text, pattern, number);

    for (int i = 0; i <= length; i++)
        name->text[i] = (WCHAR)text[i];
    RtlInitUnicodeString(&name->string, name->text);
}

void ft_scsi_state(struct ft_scsi_adapter *adapter, enum ft_scsi_adapter_state state)
{
    uint8_t old = adapter->state;

    if (old == state)
        return;
    adapter->state = (uint8_t)state;
    ft_emit(FT_EV_SCSI_ADAPTER, ft_scsi_hba(adapter), state, old);
}

static void link_adapter(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_adapter **link = (struct ft_scsi_adapter **)&FT_SCSI->adapters;

    while (*link)
        link = &(*link)->next;
    *link = adapter;
}

static void unlink_adapter(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_adapter **link = (struct ft_scsi_adapter **)&FT_SCSI->adapters;

    while (*link != adapter)
        link = &(*link)->next;
    *link = adapter->next;
}

/* \Device\ScsiPort<n>, and the name that applications use. */
static NTSTATUS create_device(struct ft_scsi_init *init, PDEVICE_OBJECT *fdo, unsigned number)
{
    ULONG bytes = sizeof(struct ft_scsi_adapter) + init->data.DeviceExtensionSize;
    struct name name, link;
    NTSTATUS status;

    make_name(&name, "\\Device\\ScsiPort%u", number);
    status = IoCreateDevice(init->driver, bytes, &name.string, FILE_DEVICE_CONTROLLER,
                            FILE_DEVICE_SECURE_OPEN, FALSE, fdo);
    if (!NT_SUCCESS(status))
        return status;
    make_name(&link, "\\DosDevices\\Scsi%u:", number);
    status = IoCreateSymbolicLink(&link.string, &name.string);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(*fdo);
    return status;
}

struct ft_scsi_adapter *ft_scsi_adapter_new(struct ft_scsi_init *init, PDEVICE_OBJECT pdo,
                                            NTSTATUS *status)
{
    unsigned number = FT_SCSI->adapters_made;
    struct ft_scsi_adapter *adapter;
    PDEVICE_OBJECT fdo = NULL;

    *status = create_device(init, &fdo, number);
    if (!NT_SUCCESS(*status))
        return NULL;
    FT_SCSI->adapters_made++;
    adapter = fdo->DeviceExtension;
    adapter->number = (uint8_t)number;
    adapter->fdo = fdo;
    adapter->pdo = pdo;
    adapter->init = init;
    adapter->can_stop = init->data.HwAdapterControl != NULL;
    adapter->power = PowerDeviceD0;
    fdo->Flags |= DO_DIRECT_IO;
    KeInitializeEvent(&adapter->scan_over, NotificationEvent, TRUE);
    link_adapter(adapter);
    ft_scsi_engine_begin(adapter);
    ft_emit(FT_EV_SCSI_HBA, ft_scsi_hba(adapter), pdo == NULL,
            (uint64_t)init->data.AdapterInterfaceType);
    return adapter;
}

void ft_scsi_adapter_free(struct ft_scsi_adapter *adapter)
{
    struct name link;

    ft_scsi_state(adapter, FT_SCSI_GONE);
    ft_scsi_config_free(adapter);
    if (adapter->resources)
        ft_block_free(adapter->resources);
    unlink_adapter(adapter);
    make_name(&link, "\\DosDevices\\Scsi%u:", adapter->number);
    IoDeleteSymbolicLink(&link.string);
    if (adapter->below)
        IoDetachDevice(adapter->below);
    IoDeleteDevice(adapter->fdo);
}

/* ---- AddDevice ---- */

/* Initialisation data says for which bus it is; the device says on which bus it sits. */
static struct ft_scsi_init *init_for(PDEVICE_OBJECT pdo)
{
    INTERFACE_TYPE bus = InterfaceTypeUndefined;
    ULONG length;

    if (!NT_SUCCESS(
            IoGetDeviceProperty(pdo, DevicePropertyLegacyBusType, sizeof bus, &bus, &length)))
        return NULL;
    for (struct ft_scsi_init *init = FT_SCSI->inits; init; init = init->next)
        if (init->data.AdapterInterfaceType == bus)
            return init;
    return NULL;
}

FT_PORT_ROUTINE
NTSTATUS NTAPI ft_scsi_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    struct ft_scsi_init *init = init_for(pdo);
    struct ft_scsi_adapter *adapter;
    NTSTATUS status;

    (void)driver;
    if (!init)
        return STATUS_NO_SUCH_DEVICE;
    adapter = ft_scsi_adapter_new(init, pdo, &status);
    if (!adapter)
        return status;
    adapter->below = IoAttachDeviceToDeviceStack(adapter->fdo, pdo);
    if (!adapter->below) {
        ft_scsi_adapter_free(adapter);
        return STATUS_NO_SUCH_DEVICE;
    }
    /* Power requests come at PASSIVE_LEVEL: miniports are asked for things that want it. */
    adapter->fdo->Flags |= DO_POWER_PAGABLE;
    adapter->fdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}
