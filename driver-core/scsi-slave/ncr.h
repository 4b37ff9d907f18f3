/*
 * ncr.h: a SCSI miniport for the NCR 53C94 (AMD Am53C94) on the ISA bus, with a system DMA channel.
 *
 * Nothing but the names of srb.h, scsi.h and miniport.h is used, so the driver depends on no
 * kernel. The port calls every routine but HwScsiFindAdapter and HwScsiAdapterControl under the
 * adapter's interrupt lock: there are no locks here.
 *
 * Terms
 *   connection  from a selection or reselection until the bus is free.
 *   credit      what StartIo takes and one NextRequest or NextLuRequest gives back. It is given
 *               back when the bus is free, so at most one request ever waits for the bus.
 *   mapping     from ScsiPortIoMapTransfer to ScsiPortFlushDma. There is one at most; it belongs to
 *               the active request and never outlives the connection.
 */
#ifndef NCR_H
#define NCR_H

#include <miniport.h>
#include <scsi.h>
#include <srb.h>

/* --- The chip: ports from the first, as read and as written. --- */

#define NCR_PORTS 16u

#define NCR_COUNT_LOW   0u
#define NCR_COUNT_HIGH  1u
#define NCR_FIFO        2u
#define NCR_COMMAND     3u
#define NCR_STATUS      4u
#define NCR_DESTINATION 4u
#define NCR_INTERRUPT   5u
#define NCR_TIMEOUT     5u
#define NCR_STEP        6u
#define NCR_PERIOD      6u
#define NCR_FIFO_FLAGS  7u
#define NCR_OFFSET      7u
#define NCR_CONFIG_1    8u
#define NCR_CLOCK       9u
#define NCR_CONFIG_2    11u
#define NCR_CONFIG_3    12u

#define NCR_STATUS_INTERRUPT  ((UCHAR)0x80)
#define NCR_STATUS_GROSS      ((UCHAR)0x40)
#define NCR_STATUS_PARITY     ((UCHAR)0x20)
#define NCR_STATUS_COUNT_ZERO ((UCHAR)0x10)
#define NCR_STATUS_PHASE      ((UCHAR)0x07)

#define NCR_ABSENT ((UCHAR)0xFF) /* what every port of a missing chip reads as */

#define NCR_INT_RESET        ((UCHAR)0x80) /* of the bus */
#define NCR_INT_ILLEGAL      ((UCHAR)0x40) /* command */
#define NCR_INT_DISCONNECTED ((UCHAR)0x20) /* or nobody answered a selection */
#define NCR_INT_SERVICE      ((UCHAR)0x10) /* the target asserts a phase */
#define NCR_INT_DONE         ((UCHAR)0x08)
#define NCR_INT_RESELECTED   ((UCHAR)0x04)

#define NCR_STEP_MASK       ((UCHAR)0x07)
#define NCR_STEP_NO_MESSAGE ((UCHAR)0x00) /* the target took not even IDENTIFY */
#define NCR_FIFO_COUNT      ((UCHAR)0x1F)

#define NCR_CMD_NOP         ((UCHAR)0x00)
#define NCR_CMD_CLEAR_FIFO  ((UCHAR)0x01)
#define NCR_CMD_RESET_CHIP  ((UCHAR)0x02)
#define NCR_CMD_RESET_BUS   ((UCHAR)0x03)
#define NCR_CMD_TRANSFER    ((UCHAR)0x10)
#define NCR_CMD_COMPLETE    ((UCHAR)0x11) /* receives status and message */
#define NCR_CMD_ACCEPT      ((UCHAR)0x12) /* the message that was received */
#define NCR_CMD_PAD         ((UCHAR)0x18)
#define NCR_CMD_SET_ATN     ((UCHAR)0x1A)
#define NCR_CMD_SELECT_ATN  ((UCHAR)0x42)
#define NCR_CMD_SELECT_STOP ((UCHAR)0x43) /* stops after one byte, ATN still asserted */
#define NCR_CMD_LISTEN      ((UCHAR)0x44) /* to reselection */
#define NCR_CMD_SELECT_ATN3 ((UCHAR)0x46)
#define NCR_CMD_DMA         ((UCHAR)0x80) /* with TRANSFER and PAD: count, and the channel */

#define NCR_CONFIG_1_PARITY  ((UCHAR)0x10)
#define NCR_CONFIG_2_SCSI_2  ((UCHAR)0x08)
#define NCR_CONFIG_2_PROBE   ((UCHAR)0x02)
#define NCR_CLOCK_25_MHZ     ((UCHAR)0x05)
#define NCR_TIMEOUT_250_MS   ((UCHAR)0x99)
#define NCR_SYNCHRONOUS_NONE ((UCHAR)0x00)

/* Phases of the bus. */
#define NCR_DATA_OUT    ((UCHAR)0x00)
#define NCR_DATA_IN     ((UCHAR)0x01)
#define NCR_STATUS_IN   ((UCHAR)0x03)
#define NCR_MESSAGE_OUT ((UCHAR)0x06)
#define NCR_MESSAGE_IN  ((UCHAR)0x07)

#define NCR_LUN_OF_IDENTIFY ((UCHAR)0x07)

/* --- Limits of this driver. --- */

#define NCR_INITIATOR    7u
#define NCR_TARGETS      8u
#define NCR_CDB_MAX      12u /* with three bytes of messages it fits into the FIFO */
#define NCR_TRANSFER_MAX 0x10000u
#define NCR_BREAKS_MAX   17u
#define NCR_MESSAGES_MAX 4u
#define NCR_WATCH_SELECT 1000000u /* microseconds: four times what a selection may take */
#define NCR_WATCH_RESET  250000u

/* Who has the bus, as far as we know. */
typedef enum _NCR_BUS {
    NcrStopped, /* the chip does not run: before Initialize, after ScsiStopAdapter */
    NcrFree,
    NcrSelecting,  /* for Active */
    NcrReselected, /* by a target whose request has a tag that is still to come */
    NcrConnected,
    NcrResetting
} NCR_BUS;

/* What the byte or bytes will be that the chip is fetching. */
typedef enum _NCR_FETCH { NcrFetchNothing, NcrFetchMessage, NcrFetchStatus } NCR_FETCH;

/* Why the bus will be free. */
typedef enum _NCR_LEAVES {
    NcrStays,
    NcrLeavesComplete,
    NcrLeavesDisconnect,
    NcrLeavesAborted /* ABORT was sent */
} NCR_LEAVES;

typedef struct _NCR_EXTENSION {
    PUCHAR Ports;
    NCR_BUS Bus;
    NCR_FETCH Fetch;
    NCR_LEAVES Leaves;

    PSCSI_REQUEST_BLOCK Active;  /* has the bus, or is to get it by a selection */
    PSCSI_REQUEST_BLOCK Waiting; /* for the bus */
    PSCSI_REQUEST_BLOCK Abort;   /* whose victim is being told */
    UCHAR Target, Lun;           /* of the connection */

    UCHAR Message[NCR_MESSAGES_MAX]; /* to be sent */
    UCHAR MessageBytes;
    BOOLEAN TagFollows; /* the next message byte is a tag */

    BOOLEAN Mapped;
    BOOLEAN DmaRuns; /* HwScsiDmaStarted has started the mapping's transfer */
    BOOLEAN DmaIn;
    ULONG MapLength;

    BOOLEAN CreditTaken;
    BOOLEAN CreditTagged; /* … by a request with a tag */
    UCHAR CreditTarget, CreditLun;
} NCR_EXTENSION, *PNCR_EXTENSION;

/* SRB extension. */
typedef struct _NCR_REQUEST {
    ULONG Moved; /* the current data pointer */
    ULONG Saved; /* the saved data pointer */
    UCHAR Status;
    UCHAR Failure; /* SrbStatus of a request that the driver itself has ended, 0: it has not */
    BOOLEAN Parity;
} NCR_REQUEST, *PNCR_REQUEST;

#define NCR_REQUEST_OF(Srb) ((PNCR_REQUEST)(Srb)->SrbExtension)

/* --- ncr_chip.c --- */

UCHAR NcrRead(PNCR_EXTENSION Extension, ULONG Port);
VOID NcrWrite(PNCR_EXTENSION Extension, ULONG Port, UCHAR Value);
VOID NcrCommand(PNCR_EXTENSION Extension, UCHAR Command);
BOOLEAN NcrIsGone(PNCR_EXTENSION Extension);

/* Stops whatever the chip does and sets it up. FALSE: it is not there. */
BOOLEAN NcrSetUp(PNCR_EXTENSION Extension);
VOID NcrHalt(PNCR_EXTENSION Extension);

VOID NcrWriteCount(PNCR_EXTENSION Extension, ULONG Count);
ULONG NcrReadCount(PNCR_EXTENSION Extension);
VOID NcrSend(PNCR_EXTENSION Extension, const UCHAR *Bytes, ULONG Count);

/* Takes up to Most bytes out of the FIFO and clears it. Returns how many. */
ULONG NcrReceive(PNCR_EXTENSION Extension, UCHAR *Bytes, ULONG Most);

/* --- ncr_start.c --- */

BOOLEAN NcrStartIo(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb);
BOOLEAN NcrHasTag(PSCSI_REQUEST_BLOCK Srb);
BOOLEAN NcrIsAbort(PSCSI_REQUEST_BLOCK Srb);

/* The bus is free: gives it to that request. */
VOID NcrStart(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb);

/* The active request is the victim of that abort: tells its target. */
VOID NcrAbortActive(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Abort);

/* Puts the message that ends the active request, and no other, in line. */
VOID NcrPutAbort(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Victim);

/* --- ncr_interrupt.c --- */

BOOLEAN NcrInterrupt(PVOID HwDeviceExtension);

/* The chip or a target does what it must not: logs it, and everything starts anew. */
VOID NcrConfused(PNCR_EXTENSION Extension, ULONG Error);

/* The target asserts data and does not get to move any: it looks at ATN, and so at our message. */
VOID NcrNudge(PNCR_EXTENSION Extension);

/* --- ncr_connection.c --- */

/* The active request, unless it is an abort. */
PSCSI_REQUEST_BLOCK NcrActiveCommand(PNCR_EXTENSION Extension);
VOID NcrReselection(PNCR_EXTENSION Extension);
VOID NcrReceivedMessage(PNCR_EXTENSION Extension);
VOID NcrReceivedStatus(PNCR_EXTENSION Extension);
VOID NcrSendMessage(PNCR_EXTENSION Extension);
VOID NcrBusFree(PNCR_EXTENSION Extension);

/* A target has reselected us and names no tag. */
VOID NcrNoTag(PNCR_EXTENSION Extension);

/* --- ncr_dma.c --- */

VOID NcrDataPhase(PNCR_EXTENSION Extension, BOOLEAN In);
VOID NcrDmaStarted(PVOID HwDeviceExtension);

/* The chip rests: counts what the mapping's transfer moved, and flushes. No mapping: nothing. */
VOID NcrEndTransfer(PNCR_EXTENSION Extension);

/* The chip moves nothing more for the mapping, and nobody wants to know what it moved. */
VOID NcrDropMapping(PNCR_EXTENSION Extension);

/* --- ncr_finish.c --- */

VOID NcrComplete(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);
VOID NcrFinish(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb);
VOID NcrGiveCredit(PNCR_EXTENSION Extension);
VOID NcrSetTimer(PNCR_EXTENSION Extension, ULONG Microseconds);

/* The bus is free: the chip listens, and the request that waits has the bus, or the port may send
 * one. */
VOID NcrNext(PNCR_EXTENSION Extension);

/* The chip is gone: so are all requests. */
VOID NcrLost(PNCR_EXTENSION Extension);

BOOLEAN NcrResetBus(PVOID HwDeviceExtension, ULONG PathId);
VOID NcrResetRequest(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb);
VOID NcrResetSeen(PNCR_EXTENSION Extension);

/* --- ncr_control.c --- */

BOOLEAN NcrInitialize(PVOID HwDeviceExtension);
SCSI_ADAPTER_CONTROL_STATUS
NcrAdapterControl(PVOID HwDeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters);

#endif
