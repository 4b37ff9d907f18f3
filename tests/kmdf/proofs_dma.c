/* DMA enablers, transactions and common buffers (proofs_dma.def). What a device does with a
 * transfer is the other tests' (test_dma_*.c): here it completes each fragment at once. */
#include "proof_bench.h"

#include "kmdf/dma_objects.h"

#include <string.h>

enum { LINE = 2, BYTES = 64, MAXIMUM = 4 * PAGE_SIZE };

static void describe(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
    description->dma_channel = LINE;
    description->dma_bits = 8;
}
#define PROOF_BENCH                                                                                \
    {                                                                                              \
        .describe = describe                                                                       \
    }

static PWDF_DMA_ENABLER_CONFIG config(WDF_DMA_PROFILE profile, ULONG version)
{
    static WDF_DMA_ENABLER_CONFIG made;

    WDF_DMA_ENABLER_CONFIG_INIT(&made, profile, MAXIMUM);
    made.WdmDmaVersionOverride = version;
    return &made;
}

#define SET_IN(config, member, value)                                                              \
    ({                                                                                             \
        __auto_type config_ = (config);                                                            \
        config_->member = (value);                                                                 \
        config_;                                                                                   \
    })

static WDFDMAENABLER enabler(WDF_DMA_PROFILE profile, ULONG version)
{
    WDFDMAENABLER made = NULL;

    CHECK(SPARED(WdfDmaEnablerCreate(P_DEVICE, config(profile, version), NULL, &made)) ==
          STATUS_SUCCESS);
    return made;
}

static WDFDMATRANSACTION tx_of(WDFDMAENABLER of)
{
    WDFDMATRANSACTION tx = NULL;

    CHECK(SPARED(WdfDmaTransactionCreate(of, NULL, &tx)) == STATUS_SUCCESS);
    return tx;
}

static WDFDMATRANSACTION tx_3(void)
{
    return tx_of(enabler(WdfDmaProfileScatterGather, DEVICE_DESCRIPTION_VERSION3));
}

static WDFDMATRANSACTION packet_3(void)
{
    return tx_of(enabler(WdfDmaProfilePacket, DEVICE_DESCRIPTION_VERSION3));
}

static WDFDMATRANSACTION packet_2(void)
{
    return tx_of(enabler(WdfDmaProfilePacket, 0));
}

static CM_PARTIAL_RESOURCE_DESCRIPTOR part_;

static PWDF_DMA_SYSTEM_PROFILE_CONFIG system_config(ULONG cut)
{
    static WDF_DMA_SYSTEM_PROFILE_CONFIG made;
    PHYSICAL_ADDRESS address = {.QuadPart = 0x3F8};

    part_ =
        (CM_PARTIAL_RESOURCE_DESCRIPTOR){.Type = CmResourceTypeDma, .Flags = CM_RESOURCE_DMA_V3};
    part_.u.DmaV3.RequestLine = LINE;
    WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(&made, address, Width8Bits, &part_);
    made.Size -= cut;
    return &made;
}

static WDFDMATRANSACTION system_tx(void)
{
    WDFDMAENABLER made = enabler(WdfDmaProfileSystem, 0);

    CHECK(WdfDmaEnablerConfigureSystemProfile(made, system_config(0),
                                              WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    return tx_of(made);
}

/* ---- EvtProgramDma ---- */

static unsigned programs;
static size_t length_;
static NTSTATUS status_;

static BOOLEAN later(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                     WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    (void)context, (void)direction;
    CHECK(device == P_DEVICE && list->NumberOfElements > 0);
    length_ = WdfDmaTransactionGetCurrentDmaTransferLength(tx);
    programs++;
    return TRUE;
}

static BOOLEAN at_once(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                       WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    later(tx, device, context, direction, list);
    WdfDmaTransactionDmaCompleted(tx, &status_);
    return TRUE;
}

static VOID reserved(WDFDMATRANSACTION tx, PVOID context)
{
    (void)tx;
    *(unsigned *)context += 1;
}

static BOOLEAN configured(WDFDMATRANSACTION tx, WDFDEVICE device, PVOID context, PMDL mdl,
                          size_t offset, size_t length)
{
    (void)tx, (void)device, (void)context, (void)mdl, (void)offset, (void)length;
    return TRUE;
}

static VOID transferred(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                        WDF_DMA_DIRECTION direction, DMA_COMPLETION_STATUS status)
{
    (void)device, (void)context, (void)direction, (void)status;
    WdfDmaTransactionDmaCompletedFinal(tx, 0, &status_);
}

#define FROM_DEVICE WdfDmaDirectionReadFromDevice
#define TO_DEVICE   WdfDmaDirectionWriteToDevice

/* For the row's read request, or a buffer of the row's own. */
static WDFDMATRANSACTION ready_tx(WDFDMATRANSACTION tx, PFN_WDF_PROGRAM_DMA program)
{
    programs = 0;
    status_ = STATUS_PENDING;
    CHECK(WdfDmaTransactionInitialize(tx, program, FROM_DEVICE, P_MDL,
                                      MmGetMdlVirtualAddress(P_MDL), BYTES) == STATUS_SUCCESS);
    return tx;
}

static WDFDMATRANSACTION running(WDFDMATRANSACTION tx)
{
    CHECK(WdfDmaTransactionExecute(ready_tx(tx, later), NULL) == STATUS_SUCCESS && programs == 1);
    return tx;
}

/* Ends what a row has begun. */
static bool over(WDFDMATRANSACTION tx, bool shown)
{
    WdfDmaTransactionDmaCompletedFinal(tx, 0, &status_);
    CHECK(WdfDmaTransactionRelease(tx) == STATUS_SUCCESS);
    return shown;
}

static NTSTATUS over_with(WDFDMATRANSACTION tx, NTSTATUS status)
{
    over(tx, true);
    return status;
}

/* A chain of pages that a transfer may not be as fragmented as. */
static PMDL pages(unsigned count)
{
    static PMDL mdl;
    PVOID memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, count * PAGE_SIZE, 'foop');

    mdl = IoAllocateMdl(memory, count * PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    return mdl;
}

static NTSTATUS free_pages(PMDL mdl, NTSTATUS status)
{
    ExFreePoolWithTag(MmGetMdlVirtualAddress(mdl), 'foop');
    IoFreeMdl(mdl);
    return status;
}

static NTSTATUS for_request(WDFDMATRANSACTION tx, WDF_DMA_DIRECTION direction)
{
    NTSTATUS status = WdfDmaTransactionInitializeUsingRequest(tx, P_REQUEST, at_once, direction);

    programs = 0;
    length_ = 0;
    if (NT_SUCCESS(status) && NT_SUCCESS(WdfDmaTransactionExecute(tx, NULL))) {
        CHECK(programs == 1 && length_ == PROOF_LENGTH && status_ == STATUS_SUCCESS);
        CHECK(WdfDmaTransactionGetRequest(tx) == P_REQUEST);
        CHECK(WdfDmaTransactionRelease(tx) == STATUS_SUCCESS);
    }
    return status;
}

#define PROOFS "proofs_dma.def"
#include "proof_rows.h"
