/* Events: what the world, and nobody else, observes.
 *
 * Order of use: the world fills one struct ft_event per observation and gives it to its observer
 * (rules) and, when recording is on, to the event log. The row in events.def says which arguments
 * an event has. Words beyond argc are zero.
 */
#ifndef FT_SIM_EVENT_H
#define FT_SIM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FT_EVENT_ARGS_MAX = 8 };

enum ft_event_kind {
#define EV(number, symbol, name, args, sentence) FT_EV_##symbol = number,
#include "events.def"
#undef EV
};

/* Who caused an event. */
enum ft_layer {
    FT_LAYER_DRIVER,    /* the driver core */
    FT_LAYER_FRAMEWORK, /* KMDF */
    FT_LAYER_PORT,      /* SCSI Port */
    FT_LAYER_SYSTEM,    /* the simulated kernel, I/O manager, HAL and bus driver */
    FT_LAYER_DEVICE,    /* the device model and its engine */
    FT_LAYER_HARNESS,   /* ops, requesters, the end of a run */
    FT_LAYER_COUNT
};

/* Kinds of tasks; argument type `taskk`. The order is the one of world/order.h. */
enum ft_task_kind {
    FT_TASK_ISR = 1,
    FT_TASK_DPC,
    FT_TASK_ENGINE,
    FT_TASK_TIMER,
    FT_TASK_WORK,
    FT_TASK_THREAD,
    FT_TASK_CLOCK,
    FT_TASK_KIND_COUNT
};

/* Kinds of driver routines; argument type `routine`. Numbers are permanent. */
#define FT_ROUTINES(RT)                                                                            \
    RT(1, DRIVER_ENTRY, "DriverEntry")                                                             \
    RT(2, ADD_DEVICE, "AddDevice")                                                                 \
    RT(3, DISPATCH, "dispatch")                                                                    \
    RT(4, START_IO, "StartIo")                                                                     \
    RT(5, CANCEL, "cancel")                                                                        \
    RT(6, COMPLETION, "completion")                                                                \
    RT(7, DPC, "DPC")                                                                              \
    RT(8, ISR, "ISR")                                                                              \
    RT(9, TIMER_DPC, "timer DPC")                                                                  \
    RT(10, ADAPTER_CONTROL, "AdapterControl")                                                      \
    RT(11, SYNCH, "SynchCritSection")                                                              \
    RT(12, WORK_ITEM, "work item")                                                                 \
    RT(13, UNLOAD, "DriverUnload")                                                                 \
    RT(14, POWER_CALLBACK, "power callback")                                                       \
    RT(15, LIST_CONTROL, "AdapterListControl")                                                     \
    RT(16, CSQ, "queue callback")                                                                  \
    RT(17, THREAD, "system thread")                                                                \
    RT(18, CALLBACK, "callback")                                                                   \
    RT(19, IO_TIMER, "IoTimer")                                                                    \
    RT(20, CONTROLLER_CONTROL, "ControllerControl")                                                \
    RT(21, WMI, "WMI callback")                                                                    \
    RT(22, LOOKASIDE, "lookaside callback")                                                        \
    RT(23, QUERY, "registry query routine")                                                        \
    RT(24, DMA_COMPLETION, "DmaCompletionRoutine")                                                 \
    RT(40, WDF_CLEANUP, "EvtCleanupCallback")                                                      \
    RT(41, WDF_DESTROY, "EvtDestroyCallback")                                                      \
    RT(42, WDF_TIMER, "EvtTimerFunc")                                                              \
    RT(43, WDF_WORK, "EvtWorkItem")                                                                \
    RT(44, WDF_DPC, "EvtDpcFunc")                                                                  \
    RT(50, WDF_DEVICE_ADD, "EvtDriverDeviceAdd")                                                   \
    RT(51, WDF_UNLOAD, "EvtDriverUnload")                                                          \
    RT(52, WDF_PREPARE, "EvtDevicePrepareHardware")                                                \
    RT(53, WDF_RELEASE, "EvtDeviceReleaseHardware")                                                \
    RT(54, WDF_D0_ENTRY, "EvtDeviceD0Entry")                                                       \
    RT(55, WDF_D0_ENTRY_POST, "EvtDeviceD0EntryPostInterruptsEnabled")                             \
    RT(56, WDF_D0_EXIT, "EvtDeviceD0Exit")                                                         \
    RT(57, WDF_D0_EXIT_PRE, "EvtDeviceD0ExitPreInterruptsDisabled")                                \
    RT(58, WDF_SMIO_INIT, "EvtDeviceSelfManagedIoInit")                                            \
    RT(59, WDF_SMIO_SUSPEND, "EvtDeviceSelfManagedIoSuspend")                                      \
    RT(60, WDF_SMIO_RESTART, "EvtDeviceSelfManagedIoRestart")                                      \
    RT(61, WDF_SMIO_FLUSH, "EvtDeviceSelfManagedIoFlush")                                          \
    RT(62, WDF_SMIO_CLEANUP, "EvtDeviceSelfManagedIoCleanup")                                      \
    RT(63, WDF_SURPRISE_REMOVAL, "EvtDeviceSurpriseRemoval")                                       \
    RT(64, WDF_QUERY_REMOVE, "EvtDeviceQueryRemove")                                               \
    RT(65, WDF_QUERY_STOP, "EvtDeviceQueryStop")                                                   \
    RT(66, WDF_USAGE, "EvtDeviceUsageNotification")                                                \
    RT(67, WDF_RELATIONS, "EvtDeviceRelationsQuery")                                               \
    RT(68, WDF_ARM_S0, "EvtDeviceArmWakeFromS0")                                                   \
    RT(69, WDF_DISARM_S0, "EvtDeviceDisarmWakeFromS0")                                             \
    RT(70, WDF_TRIGGERED_S0, "EvtDeviceWakeFromS0Triggered")                                       \
    RT(71, WDF_ARM_SX, "EvtDeviceArmWakeFromSx")                                                   \
    RT(72, WDF_DISARM_SX, "EvtDeviceDisarmWakeFromSx")                                             \
    RT(73, WDF_TRIGGERED_SX, "EvtDeviceWakeFromSxTriggered")                                       \
    RT(74, WDF_FILTER_RESOURCES, "EvtDeviceFilterResourceRequirements")                            \
    RT(75, WDF_PREPROCESS, "EvtDeviceWdmIrpPreprocess")                                            \
    RT(76, WDF_STATE_CHANGE, "EvtDevicePnpPowerStateChange")                                       \
    RT(80, WDF_ISR, "EvtInterruptIsr")                                                             \
    RT(81, WDF_INTERRUPT_DPC, "EvtInterruptDpc")                                                   \
    RT(82, WDF_INTERRUPT_WORK, "EvtInterruptWorkItem")                                             \
    RT(83, WDF_INTERRUPT_ENABLE, "EvtInterruptEnable")                                             \
    RT(84, WDF_INTERRUPT_DISABLE, "EvtInterruptDisable")                                           \
    RT(85, WDF_INTERRUPT_SYNC, "EvtInterruptSynchronize")                                          \
    RT(90, WDF_IO_DEFAULT, "EvtIoDefault")                                                         \
    RT(91, WDF_IO_READ, "EvtIoRead")                                                               \
    RT(92, WDF_IO_WRITE, "EvtIoWrite")                                                             \
    RT(93, WDF_IO_CONTROL, "EvtIoDeviceControl")                                                   \
    RT(94, WDF_IO_INTERNAL, "EvtIoInternalDeviceControl")                                          \
    RT(95, WDF_IO_STOP, "EvtIoStop")                                                               \
    RT(96, WDF_IO_RESUME, "EvtIoResume")                                                           \
    RT(97, WDF_IO_CANCELED, "EvtIoCanceledOnQueue")                                                \
    RT(98, WDF_QUEUE_STATE, "EvtIoQueueState")                                                     \
    RT(99, WDF_REQUEST_CANCEL, "EvtRequestCancel")                                                 \
    RT(100, WDF_REQUEST_COMPLETION, "EvtRequestCompletion")                                        \
    RT(101, WDF_FILE_CREATE, "EvtDeviceFileCreate")                                                \
    RT(102, WDF_FILE_CLEANUP, "EvtFileCleanup")                                                    \
    RT(103, WDF_FILE_CLOSE, "EvtFileClose")                                                        \
    RT(104, WDF_IN_CALLER, "EvtIoInCallerContext")                                                 \
    RT(110, WDF_DMA_FILL, "EvtDmaEnablerFill")                                                     \
    RT(111, WDF_DMA_FLUSH, "EvtDmaEnablerFlush")                                                   \
    RT(112, WDF_DMA_ENABLE, "EvtDmaEnablerEnable")                                                 \
    RT(113, WDF_DMA_DISABLE, "EvtDmaEnablerDisable")                                               \
    RT(114, WDF_DMA_START, "EvtDmaEnablerSelfManagedIoStart")                                      \
    RT(115, WDF_DMA_STOP, "EvtDmaEnablerSelfManagedIoStop")                                        \
    RT(116, WDF_PROGRAM_DMA, "EvtProgramDma")                                                      \
    RT(117, WDF_RESERVE_DMA, "EvtReserveDma")                                                      \
    RT(118, WDF_DMA_CONFIGURE, "EvtDmaTransactionConfigureDmaChannel")                             \
    RT(119, WDF_DMA_DONE, "EvtDmaTransactionDmaTransferComplete")                                  \
    RT(120, SCSI_FIND_ADAPTER, "HwScsiFindAdapter")                                                \
    RT(121, SCSI_INITIALIZE, "HwScsiInitialize")                                                   \
    RT(122, SCSI_START_IO, "HwScsiStartIo")                                                        \
    RT(123, SCSI_INTERRUPT, "HwScsiInterrupt")                                                     \
    RT(124, SCSI_DMA_STARTED, "HwScsiDmaStarted")                                                  \
    RT(125, SCSI_RESET_BUS, "HwScsiResetBus")                                                      \
    RT(126, SCSI_TIMER, "HwScsiTimer")                                                             \
    RT(127, SCSI_ENABLE, "HwScsiEnableInterruptsCallback")                                         \
    RT(128, SCSI_DISABLE, "HwScsiDisableInterruptsCallback")                                       \
    RT(129, SCSI_STATE, "HwScsiAdapterState")                                                      \
    RT(130, SCSI_CONTROL, "HwScsiAdapterControl")

enum ft_routine {
#define RT(number, symbol, name) FT_ROUTINE_##symbol = number,
    FT_ROUTINES(RT)
#undef RT
        FT_ROUTINE_COUNT
};

/* PnP states of a device; argument type `pnp` (wdm-io sheet, section 6.1). */
enum ft_pnp_state {
    FT_PNP_NOT_STARTED = 1,
    FT_PNP_STARTED,
    FT_PNP_STOP_PENDING,
    FT_PNP_STOPPED,
    FT_PNP_REMOVE_PENDING,
    FT_PNP_SURPRISE_REMOVED,
    FT_PNP_REMOVED,
    FT_PNP_COUNT
};

/* One event. 96 bytes, no padding. */
struct ft_event {
    uint16_t kind;    /* enum ft_event_kind */
    uint8_t cpu;      /* processor, 0xFF when no processor was involved (engine, clock) */
    uint8_t irql;     /* IRQL at the event */
    uint8_t layer;    /* enum ft_layer */
    uint8_t nesting;  /* driver routines and DDIs entered and not left in this task */
    uint8_t argc;     /* arguments used */
    uint8_t unknown;  /* bit i: argument i is unknown; its word is zero */
    uint16_t task;    /* task handle id, 0 none */
    uint16_t device;  /* device handle id of the device concerned, 0 none */
    uint16_t request; /* IRP handle id of the owning request, 0 none */
    uint16_t label;   /* label of the op whose request or disturbance this serves, 0 none */
    uint64_t arg[FT_EVENT_ARGS_MAX];
    uint64_t site;     /* call site: offset into the module, or 0. Not hashed. */
    uint64_t reserved; /* zero */
};

/* Argument types of events.def, as the first character names them in tables. */
enum ft_arg_type {
    FT_ARG_HANDLE,
    FT_ARG_NUM,
    FT_ARG_HEX,
    FT_ARG_BOOL,
    FT_ARG_STATUS,
    FT_ARG_IRQL,
    FT_ARG_LA,
    FT_ARG_TIME,
    FT_ARG_OP,
    FT_ARG_LABEL,
    FT_ARG_ROUTINE,
    FT_ARG_TASK_KIND,
    FT_ARG_PNP,
    FT_ARG_POWER,
    FT_ARG_ACTION,
    FT_ARG_MAJOR,
    FT_ARG_TEXT,
    FT_ARG_TYPE_COUNT
};

/* Kinds from here on come from the access flavour only and have no part in a run's hash. */
enum { FT_EV_UNHASHED = 0x0F00 };
static inline bool ft_event_is_hashed(unsigned kind)
{
    return kind < FT_EV_UNHASHED;
}

/* Folds one event into a run's hash and returns the new hash. XXH3 over kind..label (16 bytes) and
 * the used argument words in little-endian order, seeded with the old hash; site is left out. */
uint64_t ft_event_hash(uint64_t hash, const struct ft_event *event);

#endif
