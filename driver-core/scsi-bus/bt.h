/*
 * bt.h: a SCSI miniport for the BusLogic BT-958, a bus master of the MultiMaster family, on PCI.
 *
 * Nothing but the names of srb.h, scsi.h and miniport.h is used, so the driver depends on no
 * kernel. The port calls every routine but HwScsiFindAdapter and HwScsiAdapterControl under the
 * adapter's interrupt lock: there are no locks here.
 *
 * Terms
 *   CCB      command control block: what the adapter is to do, in the SRB extension. The adapter
 *            has it from START in an outgoing mailbox until its address is in an incoming one.
 *   answer   an incoming mailbox that is not free.
 *   credit   what StartIo takes and one NextRequest or NextLuRequest gives back: at once for a
 *            command, with its end for an abort. So there is one abort at most.
 */
#ifndef BT_H
#define BT_H

#include <miniport.h>
#include <scsi.h>
#include <srb.h>

/* --- The adapter: registers as read and as written. --- */

#define BT_REGISTERS 4u

#define BT_STATUS    0u
#define BT_CONTROL   0u
#define BT_DATA      1u
#define BT_COMMAND   1u
#define BT_INTERRUPT 2u
#define BT_GEOMETRY  3u

#define BT_CONTROL_SOFT_RESET                                                                      \
    ((UCHAR)0x40)                          /* forgets mailboxes and CCBs, and moves nothing more   \
                                            */
#define BT_CONTROL_INTERRUPT ((UCHAR)0x20) /* ends the interrupt */
#define BT_CONTROL_BUS_RESET ((UCHAR)0x10)

#define BT_STATUS_TEST      ((UCHAR)0x80) /* the adapter tests itself */
#define BT_STATUS_FAILED    ((UCHAR)0x40) /* … and has failed */
#define BT_STATUS_MAILBOXES ((UCHAR)0x20) /* it has none */
#define BT_STATUS_READY     ((UCHAR)0x10)
#define BT_STATUS_BUSY      ((UCHAR)0x08) /* takes no byte of a command yet */
#define BT_STATUS_INVALID   ((UCHAR)0x01) /* command */

#define BT_INT_VALID   ((UCHAR)0x80)
#define BT_INT_RESET   ((UCHAR)0x08) /* of the bus */
#define BT_INT_COMMAND ((UCHAR)0x04) /* is complete */

#define BT_ABSENT ((UCHAR)0xFF) /* what every register of a missing adapter reads as */

#define BT_CMD_START          ((UCHAR)0x02) /* look at the outgoing mailboxes */
#define BT_CMD_MAILBOXES      ((UCHAR)0x81) /* count, address */
#define BT_CMD_ROUND_ROBIN    ((UCHAR)0x8F)
#define BT_ROUND_ROBIN_STRICT ((UCHAR)1) /* it looks at the next mailbox and at no other */

/* --- What adapter and driver share in memory. --- */

#define BT_OP_COMMAND ((UCHAR)3) /* both: with the residual count as an answer */
#define BT_OP_LIST    ((UCHAR)4)

#define BT_DATA_IN   ((UCHAR)0x08)
#define BT_DATA_OUT  ((UCHAR)0x10)
#define BT_DATA_NONE ((UCHAR)0x18)

#define BT_SENSE_NONE ((UCHAR)1) /* a length of 0 would mean the adapter's own choice */

#define BT_LUN_MASK   ((UCHAR)0x07)
#define BT_TAG        ((UCHAR)0x20)
#define BT_TAG_ACTION 6 /* shift */

#define BT_ACTION_FREE  ((UCHAR)0)
#define BT_ACTION_START ((UCHAR)1)
#define BT_ACTION_ABORT ((UCHAR)2)

#define BT_CODE_FREE      ((UCHAR)0)
#define BT_CODE_GOOD      ((UCHAR)1)
#define BT_CODE_ABORTED   ((UCHAR)2)
#define BT_CODE_NOT_FOUND ((UCHAR)3) /* no CCB to be aborted */
#define BT_CODE_ERROR     ((UCHAR)4)

#define BT_HOST_GOOD        ((UCHAR)0x00)
#define BT_HOST_UNDERRUN    ((UCHAR)0x0C)
#define BT_HOST_SELECTION   ((UCHAR)0x11) /* nobody has answered it */
#define BT_HOST_OVERRUN     ((UCHAR)0x12)
#define BT_HOST_BUS_FREE    ((UCHAR)0x13)
#define BT_HOST_PHASE       ((UCHAR)0x14)
#define BT_HOST_SENSE       ((UCHAR)0x1B) /* could not be had */
#define BT_HOST_OWN_RESET   ((UCHAR)0x22)
#define BT_HOST_OTHER_RESET ((UCHAR)0x23)
#define BT_HOST_RECONNECT   ((UCHAR)0x24)
#define BT_HOST_PARITY      ((UCHAR)0x34)

#define BT_CDB_MAX 12u

typedef struct _BT_CCB {
    UCHAR Opcode, Direction, CdbBytes, SenseBytes;
    ULONG Length, Data; /* of the list, or 0; as an answer: the bytes that have not moved */
    UCHAR Reserved[2], HostStatus, TargetStatus;
    UCHAR Target, Lun;
    UCHAR Cdb[BT_CDB_MAX];
    UCHAR Reserved2[6];
    ULONG Sense;
} BT_CCB;

typedef struct _BT_ELEMENT {
    ULONG Length, Address;
} BT_ELEMENT, *PBT_ELEMENT;

typedef struct _BT_OUTGOING {
    ULONG Address;
    UCHAR Reserved[3], Action;
} BT_OUTGOING;

typedef struct _BT_INCOMING {
    ULONG Address;
    UCHAR HostStatus, TargetStatus, Reserved, Code;
} BT_INCOMING;

/* --- Limits of this driver. --- */

#define BT_INITIATOR    7u
#define BT_TARGETS      8u
#define BT_BOXES        32u
#define BT_REQUESTS_MAX 16u /* fewer than mailboxes: no answer ever waits for a free one */
#define BT_TRANSFER_MAX 0x10000u
#define BT_BREAKS_MAX   17u
#define BT_POLLS_MAX    50u
#define BT_CAUSES_MAX   4u /* of interrupts before the one that is waited for */
#define BT_POLL_STALL   5u /* microseconds */

/* Uncached extension. */
typedef struct _BT_MAILBOXES {
    BT_OUTGOING Out[BT_BOXES];
    BT_INCOMING In[BT_BOXES];
} BT_MAILBOXES;

typedef struct _BT_EXTENSION {
    PUCHAR Registers;
    volatile BT_MAILBOXES *Boxes;
    ULONG BoxesAddress;
    ULONG NextOut, NextIn;
    BOOLEAN Ready;     /* the adapter has the mailboxes */
    BOOLEAN Resetting; /* it is to report a reset that is our own */

    PSCSI_REQUEST_BLOCK Active[BT_REQUESTS_MAX]; /* whose CCBs the adapter has */
    PSCSI_REQUEST_BLOCK Abort;                   /* whose victim the adapter is to end */
    ULONG AbortAddress;                          /* of the victim's CCB */

    BOOLEAN CreditTaken;
    BOOLEAN CreditTagged; /* … by a request with a tag */
    UCHAR CreditTarget, CreditLun;
} BT_EXTENSION, *PBT_EXTENSION;

/* SRB extension. */
typedef struct _BT_REQUEST {
    BT_CCB Ccb;
    BT_ELEMENT List[BT_BREAKS_MAX];
    ULONG Address; /* of the CCB, as the adapter sees it */
} BT_REQUEST, *PBT_REQUEST;

#define BT_REQUEST_OF(Srb) ((PBT_REQUEST)(Srb)->SrbExtension)

/* --- bt_adapter.c --- */

UCHAR BtRead(PBT_EXTENSION Extension, ULONG Register);
VOID BtWrite(PBT_EXTENSION Extension, ULONG Register, UCHAR Value);

/* Stops the adapter: it forgets CCBs and mailboxes, and cannot interrupt. FALSE: it is not there,
 * or does not work. */
BOOLEAN BtHalt(PBT_EXTENSION Extension);

/* Halts it and gives it empty mailboxes. */
BOOLEAN BtSetUp(PBT_EXTENSION Extension);

/* Puts a CCB's address into the next outgoing mailbox. FALSE: that is not free. */
BOOLEAN BtPost(PBT_EXTENSION Extension, ULONG Address, UCHAR Action);

/* The next answer, which is free then. FALSE: there is none. */
BOOLEAN BtTakeAnswer(PBT_EXTENSION Extension, BT_INCOMING *Answer);

/* The physical address of something that lies in 32 bits; how far it goes on in *Length. */
ULONG BtAddress(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, PVOID Va, ULONG *Length);

/* --- bt_start.c --- */

BOOLEAN BtStartIo(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb);
BOOLEAN BtHasTag(PSCSI_REQUEST_BLOCK Srb);

/* --- bt_interrupt.c --- */

BOOLEAN BtInterrupt(PVOID HwDeviceExtension);

/* --- bt_finish.c --- */

VOID BtComplete(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);

/* The adapter has answered for that request. */
VOID BtFinish(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR HostStatus,
              UCHAR TargetStatus);
VOID BtGiveCredit(PBT_EXTENSION Extension);

/* The adapter has halted: all requests end. */
VOID BtEndAll(PBT_EXTENSION Extension, UCHAR SrbStatus);

/* The adapter is gone, or out of its mind. */
VOID BtLost(PBT_EXTENSION Extension);

/* --- bt_reset.c --- */

BOOLEAN BtResetBus(PVOID HwDeviceExtension, ULONG PathId);
VOID BtResetRequest(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb);
VOID BtResetSeen(PBT_EXTENSION Extension);

/* --- bt_control.c --- */

BOOLEAN BtInitialize(PVOID HwDeviceExtension);
SCSI_ADAPTER_CONTROL_STATUS
BtAdapterControl(PVOID HwDeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters);

#endif
