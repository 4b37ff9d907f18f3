/* What the files about the adapter itself share: initialisation, configuration, start and stop,
 * scan, PnP and power (scsiport.md, sections 3.2, 4, 6.1 and 11). */
#ifndef FT_SCSIPORT_ADAPTER_H
#define FT_SCSIPORT_ADAPTER_H

#include "scsiport/scsiport_private.h"

enum {
    FT_SCSI_VALIDATED_MAX = 8,
    FT_SCSI_RANGES_MAX = 16,
    FT_SCSI_ID_MAX = 16, /* characters of a vendor or device id */
    FT_SCSI_ARGUMENT_MAX = 64
};

/* A ScsiPortGetDeviceBase mapping, in adapter->bases. */
struct ft_scsi_base {
    struct ft_scsi_base *next;
    PVOID va;
    uint64_t address; /* the bus's */
    ULONG bytes;
    BOOLEAN io;     /* asked for in I/O space */
    BOOLEAN mapped; /* by MmMapIoSpace: to be unmapped */
};

/* The resources of the last START, raw and translated in the same order. */
struct ft_scsi_resources {
    ULONG count;
    INTERFACE_TYPE bus;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *translated;
    CM_PARTIAL_RESOURCE_DESCRIPTOR raw[];
};

/* The block behind adapter->config. */
struct ft_scsi_config {
    PORT_CONFIGURATION_INFORMATION info;  /* the miniport's; adapter->config */
    PORT_CONFIGURATION_INFORMATION given; /* as it was before HwScsiFindAdapter */
    PVOID bus_data;                       /* that ScsiPortGetBusData allocated, NULL: none */
    unsigned validated_count;
    struct {
        uint64_t address;
        ULONG bytes;
        BOOLEAN io;
    } validated[FT_SCSI_VALIDATED_MAX];
    /* What the registry says (port_parameters.c). */
    bool has_argument, no_tags, no_multiple;
    ULONG srb_flags; /* that go with each request */
    CHAR argument[FT_SCSI_ARGUMENT_MAX];
    ACCESS_RANGE given_range[FT_SCSI_RANGES_MAX];
    ACCESS_RANGE range[FT_SCSI_RANGES_MAX];
};

static inline struct ft_scsi_config *ft_scsi_config(const struct ft_scsi_adapter *adapter)
{
    return (struct ft_scsi_config *)adapter->config;
}

/* Why the adapter is stopped, as event scsi:stopping names it. */
enum ft_scsi_stop {
    FT_SCSI_STOP_PNP = 1,
    FT_SCSI_STOP_POWER,
    FT_SCSI_STOP_SURPRISE,
    FT_SCSI_STOP_REMOVE,
    FT_SCSI_STOP_UNLOAD
};

static inline uint64_t ft_scsi_hba(const struct ft_scsi_adapter *adapter)
{
    return ft_block_handle(adapter->fdo);
}

/* ---- add_device.c ---- */

FT_PORT_ROUTINE NTSTATUS NTAPI ft_scsi_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo);
/* An adapter with its FDO; NULL and *status when that fails. pdo NULL: legacy. */
struct ft_scsi_adapter *ft_scsi_adapter_new(struct ft_scsi_init *init, PDEVICE_OBJECT pdo,
                                            NTSTATUS *status);
/* Its device goes; what START made of it is gone before (ft_scsi_release). */
void ft_scsi_adapter_free(struct ft_scsi_adapter *adapter);
void ft_scsi_state(struct ft_scsi_adapter *adapter, enum ft_scsi_adapter_state state);

/* ---- port_legacy.c ---- */

/* ScsiPortInitialize of a driver without Plug and Play: looks for adapters, starts them. */
NTSTATUS ft_scsi_detect(struct ft_scsi_init *init);

/* ---- find_adapter.c ---- */

/* The configuration for HwScsiFindAdapter, of the resources if there are any. */
NTSTATUS ft_scsi_config_new(struct ft_scsi_adapter *adapter);
void ft_scsi_config_free(struct ft_scsi_adapter *adapter);
/* Calls it; an SP_RETURN_... value. The device extension is zeroed before. */
ULONG ft_scsi_find(struct ft_scsi_adapter *adapter, BOOLEAN *again);

/* ---- port_parameters.c ---- */

void ft_scsi_parameters(const struct ft_scsi_adapter *adapter, struct ft_scsi_config *config);

/* ---- config.c ---- */

void ft_scsi_bases_free(struct ft_scsi_adapter *adapter);
void ft_scsi_bus_data_free(struct ft_scsi_adapter *adapter);

/* ---- port_start.c ---- */

NTSTATUS ft_scsi_resources_take(struct ft_scsi_adapter *adapter, PIRP irp);
/* Everything from a successful HwScsiFindAdapter to the first I/O; on failure nothing is left. */
NTSTATUS ft_scsi_bring_up(struct ft_scsi_adapter *adapter);
/* FindAdapter and the rest. */
NTSTATUS ft_scsi_start(struct ft_scsi_adapter *adapter);
NTSTATUS ft_scsi_connect(struct ft_scsi_adapter *adapter);
void ft_scsi_disconnect(struct ft_scsi_adapter *adapter);
BOOLEAN ft_scsi_initialize(struct ft_scsi_adapter *adapter); /* HwScsiInitialize */

/* ---- control.c ---- */

bool ft_scsi_supports(const struct ft_scsi_adapter *adapter, SCSI_ADAPTER_CONTROL_TYPE type);
void ft_scsi_query_controls(struct ft_scsi_adapter *adapter);
/* Stop and Restart under the interrupt lock, the others at PASSIVE_LEVEL. */
SCSI_ADAPTER_CONTROL_STATUS ft_scsi_control(struct ft_scsi_adapter *adapter,
                                            SCSI_ADAPTER_CONTROL_TYPE type);

/* ---- stop.c ---- */

/* The adapter's requests have ended: FLUSH to its units, ScsiStopAdapter. */
void ft_scsi_stop(struct ft_scsi_adapter *adapter, enum ft_scsi_stop why);
/* Gives back what START brought: interrupt, registers, uncached extension, DMA adapter. */
void ft_scsi_release(struct ft_scsi_adapter *adapter);
/* PnP and power requests come together: each changes the adapter alone. */
void ft_scsi_change_begin(struct ft_scsi_adapter *adapter);
void ft_scsi_change_end(struct ft_scsi_adapter *adapter);
/* A power request keeps the adapter until it has left the port. */
void ft_scsi_use(struct ft_scsi_adapter *adapter);
void ft_scsi_unuse(struct ft_scsi_adapter *adapter);
void ft_scsi_wait_unused(struct ft_scsi_adapter *adapter);

/* ---- scan.c, units.c ---- */

void ft_scsi_scan(struct ft_scsi_adapter *adapter);
/* Ends a scan that another thread makes, and waits for it. True: there was one, so it is due. */
bool ft_scsi_scan_settle(struct ft_scsi_adapter *adapter);
/* A unit with its PDO, in the adapter's list; NULL: no memory. */
struct ft_scsi_unit *ft_scsi_unit_new(struct ft_scsi_adapter *adapter);
void ft_scsi_unit_free(struct ft_scsi_unit *unit);
/* Its units leave the class driver and are freed. */
void ft_scsi_units_depart(struct ft_scsi_adapter *adapter);
void ft_scsi_unit_fresh(struct ft_scsi_unit *unit); /* its LU extension is zeroed */

/* ---- completion ---- */

NTSTATUS ft_scsi_status(UCHAR srb_status); /* what an IRP completes with */

/* ---- port_pnp.c, port_power.c, dispatch of the adapter ---- */

NTSTATUS ft_scsi_pnp(struct ft_scsi_adapter *adapter, PIRP irp);
NTSTATUS ft_scsi_power(struct ft_scsi_adapter *adapter, PIRP irp);
NTSTATUS ft_scsi_unit_power(PIRP irp);
/* unit NULL: the adapter is asked. */
NTSTATUS ft_scsi_device_control(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                                PIRP irp);
NTSTATUS ft_scsi_complete_irp(PIRP irp, NTSTATUS status);
NTSTATUS ft_scsi_pass_down(struct ft_scsi_adapter *adapter, PIRP irp);
NTSTATUS ft_scsi_forward_and_wait(struct ft_scsi_adapter *adapter, PIRP irp);

#endif
