/*
 * ntddscsi.h: the device control requests of SCSI adapters, and the header of a private request to
 * a miniport (IOCTL_SCSI_MINIPORT, which reaches it as SRB_FUNCTION_IO_CONTROL).
 */
#ifndef _NTDDSCSIH_
#define _NTDDSCSIH_

#include "devioctl.h"
#include "ntdef.h"

#define IOCTL_SCSI_BASE       FILE_DEVICE_CONTROLLER
#define DD_SCSI_DEVICE_NAME   "\\Device\\ScsiPort"
#define DD_SCSI_DEVICE_NAME_U L"\\Device\\ScsiPort"

#define FT_SCSI_CODE(function, access) CTL_CODE(IOCTL_SCSI_BASE, function, METHOD_BUFFERED, access)
#define FT_SCSI_READ_WRITE             (FILE_READ_ACCESS | FILE_WRITE_ACCESS)
#define IOCTL_SCSI_PASS_THROUGH        FT_SCSI_CODE(0x0401, FT_SCSI_READ_WRITE)
#define IOCTL_SCSI_MINIPORT            FT_SCSI_CODE(0x0402, FT_SCSI_READ_WRITE)
#define IOCTL_SCSI_GET_INQUIRY_DATA    FT_SCSI_CODE(0x0403, FILE_ANY_ACCESS)
#define IOCTL_SCSI_GET_CAPABILITIES    FT_SCSI_CODE(0x0404, FILE_ANY_ACCESS)
#define IOCTL_SCSI_PASS_THROUGH_DIRECT FT_SCSI_CODE(0x0405, FT_SCSI_READ_WRITE)
#define IOCTL_SCSI_GET_ADDRESS         FT_SCSI_CODE(0x0406, FILE_ANY_ACCESS)
#define IOCTL_SCSI_RESCAN_BUS          FT_SCSI_CODE(0x0407, FILE_ANY_ACCESS)
#define IOCTL_SCSI_GET_DUMP_POINTERS   FT_SCSI_CODE(0x0408, FILE_ANY_ACCESS)
#define IOCTL_SCSI_FREE_DUMP_POINTERS  FT_SCSI_CODE(0x0409, FILE_ANY_ACCESS)
#define IOCTL_IDE_PASS_THROUGH         FT_SCSI_CODE(0x040a, FT_SCSI_READ_WRITE)
#define IOCTL_ATA_PASS_THROUGH         FT_SCSI_CODE(0x040b, FT_SCSI_READ_WRITE)
#define IOCTL_ATA_PASS_THROUGH_DIRECT  FT_SCSI_CODE(0x040c, FT_SCSI_READ_WRITE)

#define SCSI_IOCTL_DATA_OUT         0
#define SCSI_IOCTL_DATA_IN          1
#define SCSI_IOCTL_DATA_UNSPECIFIED 2

typedef struct _SCSI_PASS_THROUGH {
    USHORT Length;
    UCHAR ScsiStatus;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    UCHAR CdbLength;
    UCHAR SenseInfoLength;
    UCHAR DataIn;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    ULONG_PTR DataBufferOffset;
    ULONG SenseInfoOffset;
    UCHAR Cdb[16];
} SCSI_PASS_THROUGH, *PSCSI_PASS_THROUGH;

typedef struct _SCSI_PASS_THROUGH_DIRECT {
    USHORT Length;
    UCHAR ScsiStatus;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    UCHAR CdbLength;
    UCHAR SenseInfoLength;
    UCHAR DataIn;
    ULONG DataTransferLength;
    ULONG TimeOutValue;
    PVOID DataBuffer;
    ULONG SenseInfoOffset;
    UCHAR Cdb[16];
} SCSI_PASS_THROUGH_DIRECT, *PSCSI_PASS_THROUGH_DIRECT;

typedef struct _SCSI_BUS_DATA {
    UCHAR NumberOfLogicalUnits;
    UCHAR InitiatorBusId;
    ULONG InquiryDataOffset;
} SCSI_BUS_DATA, *PSCSI_BUS_DATA;

typedef struct _SCSI_ADAPTER_BUS_INFO {
    UCHAR NumberOfBuses;
    SCSI_BUS_DATA BusData[1];
} SCSI_ADAPTER_BUS_INFO, *PSCSI_ADAPTER_BUS_INFO;

typedef struct _SCSI_INQUIRY_DATA {
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
    BOOLEAN DeviceClaimed;
    ULONG InquiryDataLength;
    ULONG NextInquiryDataOffset;
    UCHAR InquiryData[1];
} SCSI_INQUIRY_DATA, *PSCSI_INQUIRY_DATA;

typedef struct _SRB_IO_CONTROL {
    ULONG HeaderLength;
    UCHAR Signature[8];
    ULONG Timeout;
    ULONG ControlCode;
    ULONG ReturnCode;
    ULONG Length;
} SRB_IO_CONTROL, *PSRB_IO_CONTROL;

typedef struct _IO_SCSI_CAPABILITIES {
    ULONG Length;
    ULONG MaximumTransferLength;
    ULONG MaximumPhysicalPages;
    ULONG SupportedAsynchronousEvents;
    ULONG AlignmentMask;
    BOOLEAN TaggedQueuing;
    BOOLEAN AdapterScansDown;
    BOOLEAN AdapterUsesPio;
} IO_SCSI_CAPABILITIES, *PIO_SCSI_CAPABILITIES;

typedef struct _SCSI_ADDRESS {
    ULONG Length;
    UCHAR PortNumber;
    UCHAR PathId;
    UCHAR TargetId;
    UCHAR Lun;
} SCSI_ADDRESS, *PSCSI_ADDRESS;

#endif
