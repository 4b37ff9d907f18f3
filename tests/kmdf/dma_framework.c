#include "dma_framework.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct wd wd;

enum { WDF_VIOLATION_CODE = 0x10D };

/* ---- runs ---- */

void wd_describe(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
    description->dma_channel = V3_LINE;
    description->dma_bits = 8;
}

static void run(enum ft_platform_name preset, void (*body)(void))
{
    memset(&wd, 0, sizeof wd);
    wb_run(&(struct wb_case){.body = body, .preset = preset, .describe = wd_describe});
}

void wd_run(enum ft_platform_name preset, void (*body)(void))
{
    run(preset, body);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

void wd_run_all(void (*body)(void))
{
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        wd_run((enum ft_platform_name)preset, body);
}

void wd_run_bugcheck(void (*body)(void), unsigned code)
{
    run(FT_PLATFORM_COHERENT, body);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], code);
}

void wd_run_violation(void (*body)(void), unsigned parameter)
{
    wd_run_bugcheck(body, WDF_VIOLATION_CODE);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], parameter);
}

/* ---- what a body needs ---- */

static const struct ft_wdf_class device_class = {.handle_class = FT_HC_WDF_DEVICE};

void wd_device(void)
{
    NTSTATUS status;

    wd.device = ft_wdf_object_new(&device_class, sizeof *wd.device, NULL, NULL, &status);
    CHECK(wd.device != NULL);
    wd.device->object.device = wd.device;
    wd.device->fdo = &wd.v.b.device;
}

void wd_config(WDF_DMA_PROFILE profile, size_t maximum)
{
    WDF_DMA_ENABLER_CONFIG_INIT(&wd.config, profile, maximum);
}

NTSTATUS wd_enabler(void)
{
    return WdfDmaEnablerCreate((WDFDEVICE)wd.device, &wd.config, WDF_NO_OBJECT_ATTRIBUTES,
                               &wd.enabler);
}

NTSTATUS wd_transaction(void)
{
    return WdfDmaTransactionCreate(wd.enabler, WDF_NO_OBJECT_ATTRIBUTES, &wd.tx);
}

void wd_open(WDF_DMA_PROFILE profile, size_t maximum)
{
    wd_device();
    wd_config(profile, maximum);
    CHECK(wd_enabler() == STATUS_SUCCESS);
    CHECK(wd_transaction() == STATUS_SUCCESS);
}

void wd_open_3(WDF_DMA_PROFILE profile, size_t maximum)
{
    wd_device();
    wd_config(profile, maximum);
    wd.config.WdmDmaVersionOverride = DEVICE_DESCRIPTION_VERSION3;
    CHECK(wd_enabler() == STATUS_SUCCESS);
    CHECK(wd_transaction() == STATUS_SUCCESS);
}

void wd_complete_fragment(void)
{
    switch (wd.complete) {
    case WD_PLAIN:
        wd.result = WdfDmaTransactionDmaCompleted(wd.tx, &wd.status);
        break;
    case WD_LENGTH:
        wd.result = WdfDmaTransactionDmaCompletedWithLength(wd.tx, wd.length, &wd.status);
        break;
    case WD_FINAL:
        wd.result = WdfDmaTransactionDmaCompletedFinal(wd.tx, wd.length, &wd.status);
        break;
    case WD_LATER:
        break;
    }
}

static void device_moves(const SCATTER_GATHER_ELEMENT *element, bool write)
{
    uint64_t address = (uint64_t)element->Address.QuadPart;
    static uint8_t bytes[64 * PAGE_SIZE];

    if (write)
        CHECK(element->Length <= sizeof bytes &&
              bench_device_reads(address, bytes, element->Length));
    else
        CHECK(bench_device_writes(address, element->Length));
}

BOOLEAN wd_program(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                   WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    CHECK(tx == wd.tx && device == (WDFDEVICE)wd.device && context == &wd);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    wd.programs++;
    wd.last_length = 0;
    wd.elements = list->NumberOfElements;
    wd.first = list->Elements[0];
    for (ULONG i = 0; i < list->NumberOfElements; i++) {
        wd.last_length += list->Elements[i].Length;
        if (!wd.idle_device)
            device_moves(&list->Elements[i], direction == WdfDmaDirectionWriteToDevice);
    }
    wd.bytes += wd.last_length;
    CHECK(wd.last_length == WdfDmaTransactionGetCurrentDmaTransferLength(tx));
    wd_complete_fragment();
    return TRUE;
}

VOID wd_reserve(WDFDMATRANSACTION tx, PVOID context)
{
    CHECK(tx == wd.tx && context == &wd && KeGetCurrentIrql() == DISPATCH_LEVEL);
    wd.reserved++;
}

NTSTATUS wd_initialize(WDF_DMA_DIRECTION direction)
{
    size_t length = 0;

    for (PMDL mdl = wd.v.b.mdl; mdl; mdl = mdl->Next)
        length += MmGetMdlByteCount(mdl);
    return WdfDmaTransactionInitializeUsingOffset(wd.tx, wd_program, direction, wd.v.b.mdl, 0,
                                                  length);
}

NTSTATUS wd_execute(WDF_DMA_DIRECTION direction)
{
    NTSTATUS status = wd_initialize(direction);

    return NT_SUCCESS(status) ? WdfDmaTransactionExecute(wd.tx, &wd) : status;
}

unsigned wd_state(void)
{
    return ((const struct ft_wdf_tx *)wd.tx)->state;
}
