/*
 * scsi.h: the SCSI standards as Windows drivers name them: commands (union CDB), INQUIRY, sense and
 * mode data, vital product data, and the numbers in them.
 *
 * Everything here has the byte order and the bit order of the bus, so structures overlay what a
 * device sends. READ_CAPACITY_DATA, for one, arrives with the most significant byte first:
 * REVERSE_BYTES turns it round.
 */
#ifndef _NTSCSI_
#define _NTSCSI_

#include "srb.h"

#include "scsi_cdb.h"
#include "scsi_codes.h"
#include "scsi_sense.h"

#define INQUIRYDATABUFFERSIZE 36

typedef struct _INQUIRYDATA {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR DeviceTypeModifier : 7, RemovableMedia : 1;
    union {
        UCHAR Versions;
        struct {
            UCHAR ANSIVersion : 3, ECMAVersion : 3, ISOVersion : 2;
        };
    };
    UCHAR ResponseDataFormat : 4, HiSupport : 1, NormACA : 1, TerminateTask : 1, AERC : 1;
    UCHAR AdditionalLength;
    UCHAR Reserved;
    UCHAR Addr16 : 1, Addr32 : 1, AckReqQ : 1, MediumChanger : 1;
    UCHAR MultiPort : 1, ReservedBit2 : 1, EnclosureServices : 1, ReservedBit3 : 1;
    UCHAR SoftReset : 1, CommandQueue : 1, TransferDisable : 1, LinkedCommands : 1;
    UCHAR Synchronous : 1, Wide16Bit : 1, Wide32Bit : 1, RelativeAddressing : 1;
    UCHAR VendorId[8];
    UCHAR ProductId[16];
    UCHAR ProductRevisionLevel[4];
    UCHAR VendorSpecific[20];
    UCHAR Reserved3[40];
} INQUIRYDATA, *PINQUIRYDATA;

typedef struct _FORMAT_DESCRIPTOR {
    UCHAR NumberOfBlocks[4];
    UCHAR FormatSubType : 2, FormatType : 6;
    UCHAR BlockLength[3];
} FORMAT_DESCRIPTOR, *PFORMAT_DESCRIPTOR;

typedef struct _FORMAT_LIST_HEADER {
    UCHAR Reserved;
    UCHAR VendorSpecific : 1, Immediate : 1, TryOut : 1, IP : 1, STPF : 1, DCRT : 1, DPRY : 1,
        FOV : 1;
    UCHAR FormatDescriptorLength[2];
    FORMAT_DESCRIPTOR Descriptors[0];
} FORMAT_LIST_HEADER, *PFORMAT_LIST_HEADER;

typedef struct _FORMATTED_CAPACITY_DESCRIPTOR {
    UCHAR NumberOfBlocks[4];
    UCHAR Maximum : 1, Valid : 1, FormatType : 6;
    UCHAR BlockLength[3];
} FORMATTED_CAPACITY_DESCRIPTOR, *PFORMATTED_CAPACITY_DESCRIPTOR;

typedef struct _FORMATTED_CAPACITY_LIST {
    UCHAR Reserved[3], CapacityListLength;
    FORMATTED_CAPACITY_DESCRIPTOR Descriptors[0];
} FORMATTED_CAPACITY_LIST, *PFORMATTED_CAPACITY_LIST;

typedef struct _SCSI_EXTENDED_MESSAGE {
    UCHAR InitialMessageCode, MessageLength, MessageType;
    union _EXTENDED_ARGUMENTS {
        struct {
            UCHAR Modifier[4];
        } Modify;
        struct {
            UCHAR TransferPeriod, ReqAckOffset;
        } Synchronous;
        struct {
            UCHAR Width;
        } Wide;
    } ExtendedArguments;
} SCSI_EXTENDED_MESSAGE, *PSCSI_EXTENDED_MESSAGE;

typedef struct _VPD_MEDIA_SERIAL_NUMBER_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, SerialNumber[0];
} VPD_MEDIA_SERIAL_NUMBER_PAGE, *PVPD_MEDIA_SERIAL_NUMBER_PAGE;

typedef struct _VPD_SERIAL_NUMBER_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, SerialNumber[0];
} VPD_SERIAL_NUMBER_PAGE, *PVPD_SERIAL_NUMBER_PAGE;

typedef enum _VPD_CODE_SET {
    VpdCodeSetReserved = 0,
    VpdCodeSetBinary = 1,
    VpdCodeSetAscii = 2,
    VpdCodeSetUTF8 = 3
} VPD_CODE_SET,
    *PVPD_CODE_SET;

typedef enum _VPD_ASSOCIATION {
    VpdAssocDevice = 0,
    VpdAssocPort = 1,
    VpdAssocTarget = 2,
    VpdAssocReserved1 = 3,
    VpdAssocReserved2 = 4
} VPD_ASSOCIATION,
    *PVPD_ASSOCIATION;

typedef enum _VPD_IDENTIFIER_TYPE {
    VpdIdentifierTypeVendorSpecific = 0,
    VpdIdentifierTypeVendorId = 1,
    VpdIdentifierTypeEUI64 = 2,
    VpdIdentifierTypeFCPHName = 3,
    VpdIdentifierTypePortRelative = 4,
    VpdIdentifierTypeTargetPortGroup = 5,
    VpdIdentifierTypeLogicalUnitGroup = 6,
    VpdIdentifierTypeMD5LogicalUnitId = 7,
    VpdIdentifierTypeSCSINameString = 8
} VPD_IDENTIFIER_TYPE,
    *PVPD_IDENTIFIER_TYPE;

typedef struct _VPD_IDENTIFICATION_DESCRIPTOR {
    UCHAR CodeSet : 4, Reserved : 4;
    UCHAR IdentifierType : 4, Association : 2, Reserved2 : 2;
    UCHAR Reserved3, IdentifierLength, Identifier[0];
} VPD_IDENTIFICATION_DESCRIPTOR, *PVPD_IDENTIFICATION_DESCRIPTOR;

typedef struct _VPD_IDENTIFICATION_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, Descriptors[0];
} VPD_IDENTIFICATION_PAGE, *PVPD_IDENTIFICATION_PAGE;

typedef struct _VPD_SUPPORTED_PAGES_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, SupportedPageList[0];
} VPD_SUPPORTED_PAGES_PAGE, *PVPD_SUPPORTED_PAGES_PAGE;

typedef struct _PRI_REGISTRATION_LIST {
    UCHAR Generation[4], AdditionalLength[4], ReservationKeyList[0][8];
} PRI_REGISTRATION_LIST, *PPRI_REGISTRATION_LIST;

typedef struct _PRI_RESERVATION_DESCRIPTOR {
    UCHAR ReservationKey[8], ScopeSpecificAddress[4], Reserved;
    UCHAR Type : 4, Scope : 4;
    UCHAR Obsolete[2];
} PRI_RESERVATION_DESCRIPTOR, *PPRI_RESERVATION_DESCRIPTOR;

typedef struct _PRI_RESERVATION_LIST {
    UCHAR Generation[4], AdditionalLength[4];
    PRI_RESERVATION_DESCRIPTOR Reservations[0];
} PRI_RESERVATION_LIST, *PPRI_RESERVATION_LIST;

typedef struct _PRO_PARAMETER_LIST {
    UCHAR ReservationKey[8], ServiceActionReservationKey[8], ScopeSpecificAddress[4];
    UCHAR ActivatePersistThroughPowerLoss : 1, Reserved1 : 7;
    UCHAR Reserved2, Obsolete[2];
} PRO_PARAMETER_LIST, *PPRO_PARAMETER_LIST;

typedef struct _SENSE_DATA {
    UCHAR ErrorCode : 7, Valid : 1;
    UCHAR SegmentNumber;
    UCHAR SenseKey : 4, Reserved : 1, IncorrectLength : 1, EndOfMedia : 1, FileMark : 1;
    UCHAR Information[4], AdditionalSenseLength, CommandSpecificInformation[4], AdditionalSenseCode,
        AdditionalSenseCodeQualifier;
    UCHAR FieldReplaceableUnitCode, SenseKeySpecific[3];
} SENSE_DATA, *PSENSE_DATA;

typedef struct _READ_CAPACITY_DATA {
    ULONG LogicalBlockAddress;
    ULONG BytesPerBlock;
} READ_CAPACITY_DATA, *PREAD_CAPACITY_DATA;

typedef struct _READ_CAPACITY_DATA_EX {
    LARGE_INTEGER LogicalBlockAddress;
    ULONG BytesPerBlock;
} READ_CAPACITY_DATA_EX, *PREAD_CAPACITY_DATA_EX;

typedef struct _READ_BLOCK_LIMITS {
    UCHAR Reserved, BlockMaximumSize[3], BlockMinimumSize[2];
} READ_BLOCK_LIMITS_DATA, *PREAD_BLOCK_LIMITS_DATA;

typedef struct _READ_BUFFER_CAPACITY_DATA {
    UCHAR DataLength[2], Reserved1;
    UCHAR BlockDataReturned : 1, Reserved4 : 7;
    UCHAR TotalBufferSize[4], AvailableBufferSize[4];
} READ_BUFFER_CAPACITY_DATA, *PREAD_BUFFER_CAPACITY_DATA;

typedef struct _MODE_PARAMETER_HEADER {
    UCHAR ModeDataLength, MediumType, DeviceSpecificParameter, BlockDescriptorLength;
} MODE_PARAMETER_HEADER, *PMODE_PARAMETER_HEADER;

typedef struct _MODE_PARAMETER_HEADER10 {
    UCHAR ModeDataLength[2], MediumType, DeviceSpecificParameter, Reserved[2],
        BlockDescriptorLength[2];
} MODE_PARAMETER_HEADER10, *PMODE_PARAMETER_HEADER10;

typedef struct _MODE_PARAMETER_BLOCK {
    UCHAR DensityCode, NumberOfBlocks[3], Reserved, BlockLength[3];
} MODE_PARAMETER_BLOCK, *PMODE_PARAMETER_BLOCK;

typedef struct _MODE_PARM_READ_WRITE {
    MODE_PARAMETER_HEADER ParameterListHeader;
    MODE_PARAMETER_BLOCK ParameterListBlock;
} MODE_PARM_READ_WRITE_DATA, *PMODE_PARM_READ_WRITE_DATA;

typedef struct _MODE_DISCONNECT_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PageSavable : 1;
    UCHAR PageLength, BufferFullRatio, BufferEmptyRatio, BusInactivityLimit[2],
        BusDisconnectTime[2];
    UCHAR BusConnectTime[2], MaximumBurstSize[2];
    UCHAR DataTransferDisconnect : 2;
    UCHAR Reserved2[3];
} MODE_DISCONNECT_PAGE, *PMODE_DISCONNECT_PAGE;

typedef struct _MODE_CACHING_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PageSavable : 1;
    UCHAR PageLength;
    UCHAR ReadDisableCache : 1, MultiplicationFactor : 1, WriteCacheEnable : 1, Reserved2 : 5;
    UCHAR WriteRetensionPriority : 4, ReadRetensionPriority : 4;
    UCHAR DisablePrefetchTransfer[2], MinimumPrefetch[2], MaximumPrefetch[2],
        MaximumPrefetchCeiling[2];
} MODE_CACHING_PAGE, *PMODE_CACHING_PAGE;

typedef struct _MODE_FLEXIBLE_DISK_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PageSavable : 1;
    UCHAR PageLength, TransferRate[2], NumberOfHeads, SectorsPerTrack, BytesPerSector[2];
    UCHAR NumberOfCylinders[2], StartWritePrecom[2], StartReducedCurrent[2], StepRate[2],
        StepPluseWidth;
    UCHAR HeadSettleDelay[2], MotorOnDelay, MotorOffDelay;
    UCHAR Reserved2 : 5, MotorOnAsserted : 1, StartSectorNumber : 1, TrueReadySignal : 1;
    UCHAR StepPlusePerCyclynder : 4, Reserved3 : 4;
    UCHAR WriteCompenstation, HeadLoadDelay, HeadUnloadDelay;
    UCHAR Pin2Usage : 4, Pin34Usage : 4;
    UCHAR Pin1Usage : 4, Pin4Usage : 4;
    UCHAR MediumRotationRate[2], Reserved4[2];
} MODE_FLEXIBLE_DISK_PAGE, *PMODE_FLEXIBLE_DISK_PAGE;

typedef struct _MODE_FORMAT_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PageSavable : 1;
    UCHAR PageLength, TracksPerZone[2], AlternateSectorsPerZone[2], AlternateTracksPerZone[2],
        AlternateTracksPerLogicalUnit[2];
    UCHAR SectorsPerTrack[2], BytesPerPhysicalSector[2], Interleave[2], TrackSkewFactor[2],
        CylinderSkewFactor[2];
    UCHAR Reserved2 : 4, SurfaceFirst : 1, RemovableMedia : 1, HardSectorFormating : 1,
        SoftSectorFormating : 1;
    UCHAR Reserved3[3];
} MODE_FORMAT_PAGE, *PMODE_FORMAT_PAGE;

typedef struct _MODE_RIGID_GEOMETRY_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PageSavable : 1;
    UCHAR PageLength, NumberOfCylinders[3], NumberOfHeads, StartWritePrecom[3],
        StartReducedCurrent[3];
    UCHAR DriveStepRate[2], LandZoneCyclinder[3];
    UCHAR RotationalPositionLock : 2, Reserved2 : 6;
    UCHAR RotationOffset, Reserved3, RoataionRate[2], Reserved4[2];
} MODE_RIGID_GEOMETRY_PAGE, *PMODE_RIGID_GEOMETRY_PAGE;

typedef struct _MODE_READ_WRITE_RECOVERY_PAGE {
    UCHAR PageCode : 6, Reserved1 : 1, PSBit : 1;
    UCHAR PageLength;
    UCHAR DCRBit : 1, DTEBit : 1, PERBit : 1, EERBit : 1, RCBit : 1, TBBit : 1, ARRE : 1, AWRE : 1;
    UCHAR ReadRetryCount, Reserved4[4], WriteRetryCount, Reserved5[3];
} MODE_READ_WRITE_RECOVERY_PAGE, *PMODE_READ_WRITE_RECOVERY_PAGE;

typedef struct _MODE_READ_RECOVERY_PAGE {
    UCHAR PageCode : 6, Reserved1 : 1, PSBit : 1;
    UCHAR PageLength;
    UCHAR DCRBit : 1, DTEBit : 1, PERBit : 1, Reserved2 : 1, RCBit : 1, TBBit : 1, Reserved3 : 2;
    UCHAR ReadRetryCount, Reserved4[4];
} MODE_READ_RECOVERY_PAGE, *PMODE_READ_RECOVERY_PAGE;

typedef struct _MODE_INFO_EXCEPTIONS {
    UCHAR PageCode : 6, Reserved1 : 1, PSBit : 1;
    UCHAR PageLength;
    union {
        UCHAR Flags;
        struct {
            UCHAR LogErr : 1, Reserved2 : 1, Test : 1, Dexcpt : 1, Reserved3 : 3, Perf : 1;
        };
    };
    UCHAR ReportMethod : 4, Reserved4 : 4;
    UCHAR IntervalTimer[4], ReportCount[4];
} MODE_INFO_EXCEPTIONS, *PMODE_INFO_EXCEPTIONS;

typedef struct _POWER_CONDITION_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PSBit : 1;
    UCHAR PageLength, Reserved2;
    UCHAR Standby : 1, Idle : 1, Reserved3 : 6;
    UCHAR IdleTimer[4], StandbyTimer[4];
} POWER_CONDITION_PAGE, *PPOWER_CONDITION_PAGE;

typedef struct _LUN_LIST {
    UCHAR LunListLength[4], Reserved[4], Lun[0][8];
} LUN_LIST, *PLUN_LIST;

typedef struct _TAPE_POSITION_DATA {
    UCHAR Reserved1 : 2, BlockPositionUnsupported : 1, Reserved2 : 3, EndOfPartition : 1,
        BeginningOfPartition : 1;
    UCHAR PartitionNumber;
    USHORT Reserved3;
    UCHAR FirstBlock[4], LastBlock[4], Reserved4, NumberOfBlocks[3], NumberOfBytes[4];
} TAPE_POSITION_DATA, *PTAPE_POSITION_DATA;

/* Numbers as bytes, to turn those of the bus into those of the processor and back. */
typedef union _EIGHT_BYTE {
    struct {
        UCHAR Byte0, Byte1, Byte2, Byte3, Byte4, Byte5, Byte6, Byte7;
    };
    ULONGLONG AsULongLong;
} EIGHT_BYTE, *PEIGHT_BYTE;

typedef union _FOUR_BYTE {
    struct {
        UCHAR Byte0, Byte1, Byte2, Byte3;
    };
    ULONG AsULong;
} FOUR_BYTE, *PFOUR_BYTE;

typedef union _TWO_BYTE {
    struct {
        UCHAR Byte0, Byte1;
    };
    USHORT AsUShort;
} TWO_BYTE, *PTWO_BYTE;

/* The order of Size bytes turned round; both ends may be the same, neither needs to be aligned. */
FORCEINLINE VOID ft_scsi_reverse(PVOID Destination, const VOID *Source, ULONG Size)
{
    UCHAR copy[8];
    ULONG i;

    for (i = 0; i < Size; i++)
        copy[i] = ((const UCHAR *)Source)[Size - 1 - i];
    for (i = 0; i < Size; i++)
        ((UCHAR *)Destination)[i] = copy[i];
}

#define REVERSE_BYTES_QUAD(Destination, Source)  ft_scsi_reverse((Destination), (Source), 8)
#define REVERSE_BYTES(Destination, Source)       ft_scsi_reverse((Destination), (Source), 4)
#define REVERSE_BYTES_SHORT(Destination, Source) ft_scsi_reverse((Destination), (Source), 2)
#define REVERSE_LONG(Long)                       ft_scsi_reverse((Long), (Long), 4)
#define REVERSE_SHORT(Short)                     ft_scsi_reverse((Short), (Short), 2)

/* The number of the one bit that Data has. */
#define WHICH_BIT(Data, Bit)                                                                       \
    do {                                                                                           \
        UCHAR ft_bit = 0;                                                                          \
        while (ft_bit < 32 && ((Data) >> ft_bit) != 1)                                             \
            ft_bit++;                                                                              \
        ASSERT(ft_bit != 32);                                                                      \
        (Bit) = ft_bit;                                                                            \
    } while (0)

#endif
