/* DMA transactions: one buffer that goes to or from the device in as many transfers as it takes.
 *
 * Create, Initialize, Execute. EvtProgramDma then gets a scatter/gather list to program; when the
 * device is done with it the driver calls one DmaCompleted routine: FALSE says that the next part
 * is (or will be) programmed through EvtProgramDma, TRUE that the transaction is over. Then
 * GetBytesTransferred, Release (or delete), and complete the request. Execute only says that the
 * transaction was accepted: EvtProgramDma, and everything after it, may come before it returns.
 *
 * Version 3 of the DMA operations (WDF_DMA_ENABLER_CONFIG.WdmDmaVersionOverride) is needed for
 * Cancel, AllocateResources, SetImmediateExecution, SetSingleTransferRequirement and
 * WdmGetTransferContext.
 */
#ifndef _WDFDMATRANSACTION_H_
#define _WDFDMATRANSACTION_H_

#include "wdfdmaenabler.h"

/* All at DISPATCH_LEVEL, with no lock of the framework held. */
typedef BOOLEAN NTAPI EVT_WDF_PROGRAM_DMA(WDFDMATRANSACTION Transaction, WDFDEVICE Device,
                                          WDFCONTEXT Context, WDF_DMA_DIRECTION Direction,
                                          PSCATTER_GATHER_LIST SgList);
typedef EVT_WDF_PROGRAM_DMA *PFN_WDF_PROGRAM_DMA;
typedef BOOLEAN NTAPI EVT_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL(
    WDFDMATRANSACTION DmaTransaction, WDFDEVICE Device, PVOID Context, PMDL Mdl, size_t Offset,
    size_t Length);
typedef EVT_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL
    *PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL;
typedef VOID NTAPI EVT_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE(WDFDMATRANSACTION Transaction,
                                                                 WDFDEVICE Device,
                                                                 WDFCONTEXT Context,
                                                                 WDF_DMA_DIRECTION Direction,
                                                                 DMA_COMPLETION_STATUS Status);
typedef EVT_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE
    *PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE;
typedef VOID NTAPI EVT_WDF_RESERVE_DMA(WDFDMATRANSACTION DmaTransaction, PVOID Context);
typedef EVT_WDF_RESERVE_DMA *PFN_WDF_RESERVE_DMA;

/* Everything <= DISPATCH_LEVEL. */
NTSTATUS WdfDmaTransactionCreate(WDFDMAENABLER DmaEnabler, PWDF_OBJECT_ATTRIBUTES Attributes,
                                 WDFDMATRANSACTION *DmaTransaction);
/* VirtualAddress: an index into the first MDL, as MmGetMdlVirtualAddress. */
NTSTATUS WdfDmaTransactionInitialize(WDFDMATRANSACTION DmaTransaction,
                                     PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                     WDF_DMA_DIRECTION DmaDirection, PMDL Mdl, PVOID VirtualAddress,
                                     size_t Length);
NTSTATUS WdfDmaTransactionInitializeUsingOffset(WDFDMATRANSACTION DmaTransaction,
                                                PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                                WDF_DMA_DIRECTION DmaDirection, PMDL Mdl,
                                                size_t Offset, size_t Length);
NTSTATUS WdfDmaTransactionInitializeUsingRequest(WDFDMATRANSACTION DmaTransaction,
                                                 WDFREQUEST Request,
                                                 PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                                 WDF_DMA_DIRECTION DmaDirection);
NTSTATUS WdfDmaTransactionExecute(WDFDMATRANSACTION DmaTransaction, WDFCONTEXT Context);
NTSTATUS WdfDmaTransactionRelease(WDFDMATRANSACTION DmaTransaction);

/* Status: STATUS_MORE_PROCESSING_REQUIRED when FALSE is returned. */
BOOLEAN WdfDmaTransactionDmaCompleted(WDFDMATRANSACTION DmaTransaction, NTSTATUS *Status);
BOOLEAN WdfDmaTransactionDmaCompletedWithLength(WDFDMATRANSACTION DmaTransaction,
                                                size_t TransferredLength, NTSTATUS *Status);
/* Nothing comes after this transfer, however much is left; always TRUE. */
BOOLEAN WdfDmaTransactionDmaCompletedFinal(WDFDMATRANSACTION DmaTransaction,
                                           size_t FinalTransferredLength, NTSTATUS *Status);

size_t WdfDmaTransactionGetBytesTransferred(WDFDMATRANSACTION DmaTransaction);
VOID WdfDmaTransactionSetMaximumLength(WDFDMATRANSACTION DmaTransaction, size_t MaximumLength);
VOID WdfDmaTransactionSetSingleTransferRequirement(WDFDMATRANSACTION DmaTransaction,
                                                   BOOLEAN RequireSingleTransfer);
WDFREQUEST WdfDmaTransactionGetRequest(WDFDMATRANSACTION DmaTransaction);
size_t WdfDmaTransactionGetCurrentDmaTransferLength(WDFDMATRANSACTION DmaTransaction);
WDFDEVICE WdfDmaTransactionGetDevice(WDFDMATRANSACTION DmaTransaction);
VOID WdfDmaTransactionGetTransferInfo(WDFDMATRANSACTION DmaTransaction, ULONG *MapRegisterCount,
                                      ULONG *ScatterGatherElementCount);

/* System profiles, between Initialize and Execute. */
VOID WdfDmaTransactionSetChannelConfigurationCallback(
    WDFDMATRANSACTION DmaTransaction,
    PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL ConfigureRoutine, PVOID ConfigureContext);
VOID WdfDmaTransactionSetTransferCompleteCallback(
    WDFDMATRANSACTION DmaTransaction,
    PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE DmaCompletionRoutine, PVOID DmaCompletionContext);
VOID WdfDmaTransactionSetDeviceAddressOffset(WDFDMATRANSACTION DmaTransaction, ULONG Offset);
VOID WdfDmaTransactionStopSystemTransfer(WDFDMATRANSACTION DmaTransaction);

/* Version 3. */
VOID WdfDmaTransactionSetImmediateExecution(WDFDMATRANSACTION DmaTransaction,
                                            BOOLEAN UseImmediateExecution);
/* RequiredMapRegisters: 0 for what the initialized transfer needs. */
NTSTATUS WdfDmaTransactionAllocateResources(WDFDMATRANSACTION DmaTransaction,
                                            WDF_DMA_DIRECTION DmaDirection,
                                            ULONG RequiredMapRegisters,
                                            PFN_WDF_RESERVE_DMA EvtReserveDmaFunction,
                                            PVOID EvtReserveDmaContext);
VOID WdfDmaTransactionFreeResources(WDFDMATRANSACTION DmaTransaction);
PVOID WdfDmaTransactionWdmGetTransferContext(WDFDMATRANSACTION DmaTransaction);
/* TRUE: EvtProgramDma does not come any more. */
BOOLEAN WdfDmaTransactionCancel(WDFDMATRANSACTION DmaTransaction);

#endif
