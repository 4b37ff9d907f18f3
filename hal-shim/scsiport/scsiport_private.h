/* What the files of hal-shim/scsiport share and no other folder needs.
 *
 * SCSI Port is a driver of its own, on the WDM layer: it gets IRPs as any driver does and calls the
 * same DDIs. What it does carries the layer FT_LAYER_PORT, and points inside it are off; the
 * miniport is layer DRIVER. A routine that a miniport calls is written like this:
 *
 *     VOID ScsiPortSomething(PVOID HwDeviceExtension)
 *     {
 *         struct ft_scsi_adapter *adapter;
 *
 *         FT_SCSI_BEGIN(SCSI_SERVICE, 0);                 // point, layer becomes PORT
 *         adapter = ft_scsi_adapter_of(HwDeviceExtension);
 *         ... effect ...
 *         ft_scsi_emit(FT_EV_SCSI_..., ...);              // the miniport's event
 *         FT_SCSI_END(SCSI_SERVICE, 0);
 *     }
 *
 * A routine that the system calls (dispatch, ISR, DPC, AdapterControl, IoTimer, completion) is
 * FT_PORT_ROUTINE, the disk class driver's FT_CLASS_ROUTINE. A miniport's routine is called with
 * ft_scsi_call, and those that run under the interrupt lock with ft_scsi_call_synchronized.
 *
 * Between miniport routines nothing else runs: the port's own state needs no lock, but it takes the
 * locks that SCSI Port takes, because miniports see IRQL and exclusion.
 */
#ifndef FT_SCSIPORT_SCSIPORT_PRIVATE_H
#define FT_SCSIPORT_SCSIPORT_PRIVATE_H

#include "world/machine.h"

#include <ntddk.h>
#include <srb.h>

#include <scsi.h>

#define FT_SCSI (&FT_M->scsiport)

/* ---- port_layer.c ---- */

#define FT_PORT_ROUTINE  __attribute__((section("ft_port_code"), noinline))
#define FT_CLASS_ROUTINE __attribute__((section("ft_class_code"), noinline))

/* The layer before, which FT_SCSI_END wants back; it lives in a variable of the routine. */
#define FT_SCSI_BEGIN(POINT, label)                                                                \
    uint8_t ft_scsi_layer;                                                                         \
    FT_DDI_BEGIN(POINT, label);                                                                    \
    ft_scsi_layer = ft_layer_set(FT_LAYER_PORT)
#define FT_SCSI_END(POINT, label)                                                                  \
    do {                                                                                           \
        ft_layer_set(ft_scsi_layer);                                                               \
        FT_DDI_END(POINT, label);                                                                  \
    } while (0)
/* An event of the miniport's own call; between FT_SCSI_BEGIN and FT_SCSI_END only. */
#define ft_scsi_emit(kind, ...)                                                                    \
    do {                                                                                           \
        ft_layer_set(ft_scsi_layer);                                                               \
        ft_emit(kind, ##__VA_ARGS__);                                                              \
        ft_layer_set(FT_LAYER_PORT);                                                               \
    } while (0)

struct ft_scsi_adapter;
struct ft_scsi_unit;
struct ft_scsi_request;

/* Calls a routine of the miniport as it is: events call:enter and call:leave. `request`: the SRB's
 * record that it serves, NULL none. */
uint64_t ft_scsi_call(enum ft_routine routine, struct ft_scsi_adapter *adapter,
                      struct ft_scsi_request *request, ft_thunk *thunk, void *a, void *b, void *c,
                      void *d);
/* The same at DIRQL under the HBA's interrupt lock (KeSynchronizeExecution); without an interrupt
 * at DIRQL all the same. */
uint64_t ft_scsi_call_synchronized(enum ft_routine routine, struct ft_scsi_adapter *adapter,
                                   struct ft_scsi_request *request, ft_thunk *thunk, void *a,
                                   void *b, void *c, void *d);
/* The miniport's routine that the running task is in, 0: none. */
enum ft_routine ft_scsi_routine(void);
/* A point at which a miniport can see the difference (sheet, section 16). */
void ft_scsi_point(enum ft_point point, unsigned label);

/* ---- initialize.c: what ScsiPortInitialize keeps ---- */

struct ft_scsi_init {
    struct ft_scsi_init *next;
    PDRIVER_OBJECT driver;
    PVOID context;               /* HwContext */
    HW_INITIALIZATION_DATA data; /* its ids point to these */
    char vendor[16], device[16];
};

/* ---- add_device.c, find_adapter.c, port_start.c: one HBA ---- */

enum ft_scsi_adapter_state {
    FT_SCSI_NEW,     /* HwScsiFindAdapter has not run (again) */
    FT_SCSI_FOUND,   /* it returned FOUND; the interrupt may be connected */
    FT_SCSI_RUNNING, /* HwScsiInitialize or ScsiRestartAdapter succeeded */
    FT_SCSI_STOPPED, /* ScsiStopAdapter has run */
    FT_SCSI_GONE     /* removed, or surprise-removed and stopped */
};

/* Whether new requests are started: stop or power may be due. */
enum ft_scsi_held {
    FT_SCSI_FREE,
    FT_SCSI_DRAINS, /* no, but what ends active ones (aborts, resets of the bus) is */
    FT_SCSI_DRAINED /* only the port's own: the adapter is idle, and is about to be stopped */
};

/* Intents of the miniport, recorded at DIRQL (sheet, section 7). */
enum {
    FT_SCSI_NEED_DPC = 1, /* any of the following was asked for */
    FT_SCSI_NEXT_REQUEST = 2,
    FT_SCSI_FLUSH = 4,
    FT_SCSI_MAP = 8,
    FT_SCSI_RESET_REPORTED = 64,
    FT_SCSI_TIMER = 128,
    FT_SCSI_ENABLE = 256,  /* CallEnableInterrupts */
    FT_SCSI_DISABLE = 512, /* CallDisableInterrupts */
    FT_SCSI_BUS_CHANGE = 2048,
    FT_SCSI_WMI = 4096,      /* an event waits for its delivery, or was lost */
    FT_SCSI_WMI_AGAIN = 8192 /* WMIReregister */
};

/* A mapping's parameters: of ScsiPortIoMapTransfer, and kept apart those that the flush wants. */
struct ft_scsi_mapping {
    struct ft_scsi_request *request; /* NULL: none */
    uint64_t va;                     /* CurrentVa in the MDL's terms */
    uint32_t length;
    uint8_t to_device;
    uint8_t unused[3];
};

enum ft_scsi_mapping_state { /* sheet, section 8.2 */
                             FT_SCSI_MAP_IDLE,
                             FT_SCSI_MAP_PENDING, /* recorded; the controller is not programmed */
                             FT_SCSI_MAP_STARTED  /* HwScsiDmaStarted is due, runs or ran */
};

struct ft_scsi_intent {
    uint32_t flags;
    struct ft_scsi_request *completed; /* in the order of their notification */
    struct ft_scsi_request *aborts;    /* abort requests that have completed */
    struct ft_scsi_unit *ready;        /* units with a NextLuRequest, linked by ready_next */
    PHW_INTERRUPT enable, disable;     /* callbacks */
    PHW_TIMER timer;
    ULONG timer_us;
    struct ft_scsi_mapping flush, map;
};

/* The device extension of the port's FDO; the miniport's HwDeviceExtension follows at once, at a
 * constant distance. */
struct ft_scsi_adapter {
    struct ft_scsi_adapter *next;
    PDEVICE_OBJECT fdo, pdo, below; /* pdo, below NULL: legacy */
    struct ft_scsi_init *init;
    PPORT_CONFIGURATION_INFORMATION config; /* a block, followed by its access ranges */
    uint8_t state;                          /* enum ft_scsi_adapter_state */
    uint8_t control;                        /* bit per supported SCSI_ADAPTER_CONTROL_TYPE */
    uint8_t can_stop;                       /* it has HwScsiAdapterControl */
    uint8_t surprise;                       /* the hardware is gone */
    uint8_t changing;                       /* a start, stop or change of power is on its way */
    uint8_t users;                          /* power requests inside the port */
    uint8_t held;                           /* enum ft_scsi_held */
    uint8_t power;                          /* DEVICE_POWER_STATE */
    uint8_t number;                         /* of its name */
    uint8_t started;                        /* a START has succeeded once */
    uint8_t asleep;                         /* stopped because power goes */
    uint8_t held_before;                    /* … and held before that */
    uint8_t scan_due;                       /* … in the middle of a scan */
    uint8_t control_now; /* type of the adapter control that runs, 0: none or the query */
    uint8_t uses_pio;    /* MapBuffers */
    uint8_t master;      /* a list per SRB (Master and NeedPhysicalAddresses) */
    uint8_t slave;       /* an adapter object without such lists: a system DMA channel */
    uint8_t mapping;     /* enum ft_scsi_mapping_state */
    uint8_t unit_count;

    /* resources (port_start.c) */
    PKINTERRUPT interrupt;
    KIRQL irql; /* DIRQL; of an HBA without interrupt the lowest one */
    ULONG vector;
    PDMA_ADAPTER dma;               /* NULL: PIO */
    ULONG registers;                /* map registers that IoGetDmaAdapter granted */
    ULONG pages_max;                /* MaximumPhysicalPages */
    ULONG srb_flags;                /* that the registry wants in each request */
    void *bases;                    /* live ScsiPortGetDeviceBase mappings (config.c) */
    void *resources;                /* struct ft_scsi_resources, of the last START (port_start.c) */
    struct _IO_WORKITEM *scan_item; /* of a scan that is due, NULL: none */
    KEVENT scan_over;               /* signalled while no scan is on its way */
    uint8_t scanning, scan_stop;    /* a scan is on its way; it is to end */
    uint8_t unused_scan[6];
    void *wmi; /* a block (port_wmi.c) while it is registered with WMI, else NULL */
    struct _IO_WORKITEM *wmi_item; /* of a renewal that is due, NULL: none */
    void *common;                  /* the common buffer (uncached.c), NULL: none */
    uint64_t common_logical;
    ULONG common_bytes, uncached_offset, uncached_bytes;
    ULONG srb_extension_stride;      /* SrbExtensionSize + sense, rounded; 0: none */
    uint32_t srb_extensions_used[8]; /* bit per SRB extension */

    /* engine */
    KSPIN_LOCK lock; /* the port spin lock */
    KDPC dpc, timer_dpc;
    KTIMER timer;
    PHW_TIMER timer_routine; /* armed, NULL none */
    struct ft_scsi_intent intent;
    struct ft_scsi_unit *units;          /* in scan order */
    struct ft_scsi_request *queue;       /* waiting, of no unit's queue: aborts, resets, … */
    struct ft_scsi_request *active;      /* between their pick and their end, oldest first */
    struct ft_scsi_request *next_packet; /* waits for the end of the hold to be started */
    int32_t active_count;                /* as the sheet's counter: -1 is none */
    uint32_t watchdog;                   /* ticks left, 0: it does not run */
    uint8_t busy;                        /* a request was picked and NextRequest has not come */
    uint8_t hold_ticks;                  /* of the hold after a reset, 0: none */
    uint8_t tick_on;
    uint8_t in_dpc;         /* the DPC runs: it looks again before it ends */
    uint8_t interrupts_off; /* HwScsiInterrupt is not entered: CallEnableInterrupts */
    uint8_t turn;           /* index of the unit that had its turn last */
    uint8_t tag_last;
    uint8_t hold_paths; /* bit per path that was reset in this hold */

    /* slave DMA */
    void *map_register_base;
    uint8_t channel; /* AllocateAdapterChannel: 0 none, 1 asked, 2 held */
    uint8_t flush_due;
    uint8_t unused[6];
    struct ft_scsi_mapping current;         /* of the HAL mapping that is open */
    _Alignas(16) unsigned char extension[]; /* HwDeviceExtension */
};

/* The adapter of a HwDeviceExtension; a wrong pointer is bug check territory: it stops the run
 * with 0xF1 as Windows' memory corruption would in the end. */
struct ft_scsi_adapter *ft_scsi_adapter_of(const void *extension);

/* One logical unit: the device extension of its PDO (unit->pdo), made by the scan. */
struct ft_scsi_unit {
    struct ft_scsi_unit *next;       /* in scan order */
    struct ft_scsi_unit *ready_next; /* in intent.ready */
    struct ft_scsi_adapter *adapter;
    PDEVICE_OBJECT pdo;
    void *extension; /* the miniport's LU extension, NULL: none asked for */
    uint8_t path, target, lun;
    uint8_t index;   /* 0.., as ops name it */
    uint8_t claimed; /* CLAIM_DEVICE */
    uint8_t missing; /* a later scan did not find it */
    uint8_t tagged;  /* its INQUIRY says so, and the HBA can */
    /* engine */
    uint8_t ready;          /* it is in intent.ready */
    uint8_t lu_ready;       /* NextLuRequest came since its last request was picked */
    uint8_t frozen, locked; /* queue */
    uint8_t need_sense;     /* autosense requests that are due or active */
    uint8_t untagged_active;
    uint8_t active_count;
    uint8_t retry_wait; /* a request came back busy: nothing before the next tick */
    uint8_t wmi;        /* it is registered with WMI */
    uint8_t wmi_again;  /* … and that is to be renewed */
    uint32_t timer;     /* ticks left; 0 none */
    uint32_t sort_key;  /* of the request picked last */
    INQUIRYDATA inquiry;
    struct ft_scsi_request *queue; /* waiting, sorted */
    struct ft_scsi_request *sense; /* autosense requests that wait */
};

/* ---- requests: the port's record of an SRB ---- */

enum ft_scsi_request_state {
    FT_SCSI_REQUEST_QUEUED, /* waits in its unit's queue */
    FT_SCSI_REQUEST_WAITS,  /* taken out: waits for HBA, channel, map registers, tag or extension */
    FT_SCSI_REQUEST_ACTIVE, /* the miniport's */
    FT_SCSI_REQUEST_NOTIFIED, /* RequestComplete came; the DPC has not taken it */
    FT_SCSI_REQUEST_DONE
};

struct ft_scsi_request {
    struct ft_scsi_request *next;        /* in a queue or completion list */
    struct ft_scsi_request *active_next; /* in adapter->active */
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_unit *unit; /* NULL: of the adapter as a whole */
    PSCSI_REQUEST_BLOCK srb;   /* a block of class FT_HC_SRB */
    PIRP irp;                  /* NULL: the port's own (autosense, scan, flush, reset) */
    PMDL mdl;                  /* of its data, NULL: none */
    SCSI_REQUEST_BLOCK given;  /* the SRB as StartIo got it: what changed is judged by it */
    struct ft_scsi_request *victim, *original; /* of an abort; of an autosense request */
    uint8_t state;                             /* enum ft_scsi_request_state */
    uint8_t tag;
    uint8_t retries;
    uint8_t own_completion; /* whom the port tells (engine.h); 0: the class driver */
    uint8_t whole;          /* it belongs to no unit's queue, whatever unit it names */
    uint8_t cancelled;      /* its IRP is, and it is not the miniport's */
    uint8_t waits;          /* a request that the port sends for somebody else: it can be held */
    uint8_t aborted;        /* the port has aborted it once: the next time it resets the bus */
    uint32_t ticks; /* left of its time-out, of a request that no unit's timer runs for; 0: none */
    ULONG flags, key;         /* SrbFlags and QueueSortKey as they came */
    uint32_t extension_index; /* of its SRB extension, +1; 0 none */
    void *sense_saved;        /* the caller's SenseInfoBuffer while the port's own is in place */
    uint8_t sense_saved_length;
    uint8_t mapped; /* buffers are mapped to system space (MapBuffers) */
    uint8_t unused2[2];
    ULONG sense_area_bytes;
    uint64_t started;  /* when HwScsiStartIo got it */
    UCHAR *sense_area; /* the port's own, in place of the caller's; NULL: the caller's */
    void *data_saved;  /* the caller's DataBuffer while a system address is in place */
    /* master DMA */
    void *map_registers;
    ULONG map_register_count, list_count;
    struct {
        uint64_t address;
        ULONG length;
    } * list; /* a block of pages_max elements, NULL: none */
};

/* The label and IRP that a request serves (ft_scsi_call uses them for events). */
unsigned ft_scsi_request_label(const struct ft_scsi_request *request);
uint64_t ft_scsi_srb_handle(const void *srb); /* 0 for NULL or what is no SRB of ours */

/* ---- units.c, port_pnp.c, port_power.c ---- */

/* The rest of these files is dispatch routines of the driver object. */
struct ft_scsi_unit *ft_scsi_unit_at(struct ft_scsi_adapter *adapter, unsigned path,
                                     unsigned target, unsigned lun); /* NULL: none */
/* The unit whose PDO that is; NULL: it is the adapter's FDO. */
struct ft_scsi_unit *ft_scsi_unit_of(PDEVICE_OBJECT device);
/* The adapter of an FDO or of a unit's PDO. */
struct ft_scsi_adapter *ft_scsi_adapter_at(PDEVICE_OBJECT device);
/* adapter->dma (and registers, pages_max, master, slave) from the configuration as it is now: after
 * HwScsiFindAdapter, or inside it for the uncached extension. Once; success also when it uses no
 * DMA. PASSIVE_LEVEL. */
NTSTATUS ft_scsi_dma_adapter(struct ft_scsi_adapter *adapter);
/* The miniport reported BusChangeDetected: scans the bus again, later. Up to DISPATCH_LEVEL. */
void ft_scsi_rescan(struct ft_scsi_adapter *adapter);

/* ---- the request engine ---- */

NTSTATUS ft_scsi_dispatch(PDEVICE_OBJECT device, PIRP irp); /* IRP_MJ_SCSI of unit or adapter */
/* A request of the port's own (scan, flush before stop): queued like any other; returns when it has
 * completed. PASSIVE_LEVEL. The SRB's status is in it. */
void ft_scsi_send_own(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                      PSCSI_REQUEST_BLOCK srb, PMDL mdl);
/* The same for somebody else (a device control or WMI request): a state of queue or adapter holds
 * it back as it does a class driver's. */
void ft_scsi_send_for(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                      PSCSI_REQUEST_BLOCK srb, PMDL mdl);
void ft_scsi_engine_begin(struct ft_scsi_adapter *adapter); /* locks, DPCs; once, in AddDevice */
bool ft_scsi_tick_start(struct ft_scsi_adapter *adapter);   /* false: there is no timer */
void ft_scsi_tick_stop(struct ft_scsi_adapter *adapter);
/* Holds new requests (they stay queued) and waits until none is active; PASSIVE_LEVEL. */
void ft_scsi_drain(struct ft_scsi_adapter *adapter);
/* Without interrupt and tick: waits for what is still on its way, so that nothing of the adapter is
 * used any more. */
void ft_scsi_engine_settle(struct ft_scsi_adapter *adapter);
/* No timer of the miniport any more: the adapter was stopped. */
void ft_scsi_timer_stop(struct ft_scsi_adapter *adapter);
void ft_scsi_resume(struct ft_scsi_adapter *adapter); /* the opposite of the hold */
/* Completes everything queued or active with that SRB status (the hardware is gone): active ones by
 * way of HwScsiResetBus where the miniport still can. */
void ft_scsi_fail_all(struct ft_scsi_adapter *adapter, UCHAR srb_status);
/* HwScsiResetBus under its locks, and the hold. */
BOOLEAN ft_scsi_reset_bus(struct ft_scsi_adapter *adapter, ULONG path);
FT_PORT_ROUTINE BOOLEAN NTAPI ft_scsi_isr(PKINTERRUPT interrupt, PVOID context);
/* After a miniport routine: queues the DPC when an intent asks for it. */
void ft_scsi_after(struct ft_scsi_adapter *adapter);
/* The slave channel or the map registers are there: StartIo may be called. */
void ft_scsi_start_granted(struct ft_scsi_request *request);
/* They never will be: the port completes the SRB INVALID_REQUEST. */
void ft_scsi_start_refused(struct ft_scsi_request *request);

/* ---- port_wmi.c ---- */

enum { FT_SCSI_WMI_EVENT_BYTES = 128 }; /* of an event with its header, at most */

/* What event scsi:wmi names. */
enum ft_scsi_wmi_what {
    FT_SCSI_WMI_DISPATCH = 1,
    FT_SCSI_WMI_POST,
    FT_SCSI_WMI_GET_NAME,
    FT_SCSI_WMI_SET_COUNT,
    FT_SCSI_WMI_SET_NAME,
    FT_SCSI_WMI_SET_DATA,
    FT_SCSI_WMI_FIRE,
    FT_SCSI_WMI_FIRE_UNIT
};

struct _WNODE_HEADER;
/* PASSIVE_LEVEL. */
void ft_scsi_wmi_start(struct ft_scsi_adapter *adapter);
void ft_scsi_wmi_stop(struct ft_scsi_adapter *adapter);
void ft_scsi_wmi_unit(struct ft_scsi_unit *unit);
void ft_scsi_wmi_unit_gone(struct ft_scsi_unit *unit);
NTSTATUS ft_scsi_system_control(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                                PIRP irp);
/* At DIRQL. device: whose event it is, NULL: nobody's. False: it is lost. */
bool ft_scsi_wmi_event(struct ft_scsi_adapter *adapter, PDEVICE_OBJECT device,
                       const struct _WNODE_HEADER *node);
void ft_scsi_wmi_again(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit);
/* In the DPC. */
void ft_scsi_wmi_deliver(struct ft_scsi_adapter *adapter);
void ft_scsi_wmi_renew(struct ft_scsi_adapter *adapter);

/* ---- DMA as the engine needs it ---- */

/* Before StartIo, at DISPATCH_LEVEL with the device's StartIo rules: gets channel (slave, first
 * active request only) or map registers and list (master), now or later; then
 * ft_scsi_start_granted. True when there is nothing to wait for (PIO, no data, channel is held). */
bool ft_scsi_dma_prepare(struct ft_scsi_request *request);
void ft_scsi_dma_flush(struct ft_scsi_adapter *adapter, const struct ft_scsi_mapping *mapping);
/* MapTransfer for the intent, then HwScsiDmaStarted under the interrupt lock. */
void ft_scsi_dma_map(struct ft_scsi_adapter *adapter, const struct ft_scsi_mapping *mapping);
/* A completed request: master: flush and free its registers; slave: frees the channel when it was
 * the last one active. */
void ft_scsi_dma_finish(struct ft_scsi_request *request, bool last);
/* The common buffer: SRB extensions, sense, uncached extension (sheet, section 9). */
NTSTATUS ft_scsi_common_allocate(struct ft_scsi_adapter *adapter, ULONG uncached_bytes);
void ft_scsi_common_free(struct ft_scsi_adapter *adapter);
bool ft_scsi_extension_take(struct ft_scsi_request *request); /* false: none is free */
void ft_scsi_extension_give(struct ft_scsi_request *request);
/* The port's sense area behind the request's SRB extension, and its size; NULL: there is none. */
UCHAR *ft_scsi_sense_area(const struct ft_scsi_request *request, ULONG *bytes);

/* ---- the disk class driver ---- */

void ft_disk_arrived(struct ft_scsi_unit *unit); /* the scan found it; makes its disk device */
void ft_disk_departed(
    struct ft_scsi_unit *unit); /* no new requests; waits for what is on its way */

#endif
