#include "disk_hba.h"

#include "sim/device.h"
#include "sim/scenario.h"

#include <stddef.h>
#include <string.h>

struct disk_hba hba;

enum {
    REG_LINE = 0x00,
    REG_BLOCK = 0x10,
    REG_ADDRESS = 0x14, /* of a bus master: where the data is */
    REG_GO = 0x18,      /* bytes, and whether to the device */
    GO_OUT = 0x40000000,
    CHANNEL = 1,
    THE_INQUIRY = 0xFFFF /* the block whose data is that of INQUIRY */
};

/* ---- the device ---- */

struct device {
    uint32_t line, block, address;
    uint32_t bytes, moved; /* bytes 0: the engine rests */
    uint8_t out;
};

static struct device *state_of(const struct sim_device *device)
{
    return sim_device_state(device);
}

static void reset(struct sim_device *device)
{
    memset(state_of(device), 0, sizeof(struct device));
    sim_irq_set(device, false);
}

static uint64_t read_register(struct sim_device *device, unsigned bar, uint32_t offset,
                              unsigned width)
{
    (void)bar, (void)width;
    return offset == REG_LINE ? state_of(device)->line : 0;
}

static void go(struct sim_device *device, uint32_t value)
{
    struct device *d = state_of(device);

    d->bytes = value & ~(uint32_t)GO_OUT;
    d->out = (value & GO_OUT) != 0;
    d->moved = 0;
    sim_engine_begin(device, 0, d->address, d->bytes, d->out);
}

static void write_register(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                           uint64_t value)
{
    struct device *d = state_of(device);

    (void)bar, (void)width;
    if (offset == REG_LINE) {
        d->line = value != 0;
        sim_irq_set(device, d->line);
    } else if (offset == REG_BLOCK) {
        d->block = (uint32_t)value;
    } else if (offset == REG_ADDRESS) {
        d->address = (uint32_t)value;
    } else if (offset == REG_GO) {
        go(device, (uint32_t)value);
    }
}

static bool engine_busy(const struct sim_device *device)
{
    return state_of(device)->bytes > 0;
}

static void end(struct sim_device *device, enum sim_engine_end why)
{
    struct device *d = state_of(device);

    sim_engine_end(device, 0, d->moved, why);
    d->bytes = 0;
}

/* One block a step. */
static uint32_t move(struct sim_device *device, unsigned char *bytes, uint32_t length)
{
    struct device *d = state_of(device);
    bool terminal;

    if (hba.kind == DISK_HBA_SLAVE)
        return sim_slave_transfer(device, d->out, bytes, length, &terminal);
    if (d->out)
        sim_dma_read(device, d->address + d->moved, bytes, length);
    else
        sim_dma_write(device, d->address + d->moved, bytes, length);
    return length;
}

/* What a disk with tagged queueing says of itself. */
static void inquiry(unsigned char *bytes)
{
    bytes[2] = 2;
    bytes[3] = 2;
    bytes[4] = 31;
    bytes[7] = 2;
}

static void read_block(struct sim_device *device, uint32_t block, unsigned char *bytes)
{
    if (state_of(device)->block == THE_INQUIRY)
        inquiry(bytes);
    else
        sim_media_read(device, 0, block, bytes);
}

static void engine_step(struct sim_device *device)
{
    struct device *d = state_of(device);
    uint32_t block = d->block + d->moved / SIM_MEDIA_BLOCK_BYTES, left = d->bytes - d->moved;
    uint32_t length = left < SIM_MEDIA_BLOCK_BYTES ? left : SIM_MEDIA_BLOCK_BYTES, moved;
    unsigned char bytes[SIM_MEDIA_BLOCK_BYTES] = {0};

    if (!d->out)
        read_block(device, block, bytes);
    moved = move(device, bytes, length);
    if (d->out && moved == sizeof bytes)
        sim_media_write(device, 0, block, bytes);
    d->moved += moved;
    if (moved != length || d->moved >= d->bytes) {
        end(device, SIM_END_DONE);
        d->line = 1;
        sim_irq_set(device, true);
    }
}

static void stop(struct sim_device *device, enum sim_engine_end why)
{
    if (engine_busy(device))
        end(device, why);
    state_of(device)->line = 0;
}

static bool outside(struct sim_device *device, enum sim_outside what, unsigned unit)
{
    (void)device, (void)what, (void)unit;
    wb_note("outside");
    return true;
}

static const struct sim_device_model model = {.name = "disk-hba",
                                              .state_bytes = sizeof(struct device),
                                              .reset = reset,
                                              .read = read_register,
                                              .write = write_register,
                                              .engine_busy = engine_busy,
                                              .engine_step = engine_step,
                                              .stop = stop,
                                              .outside = outside};

/* ---- the miniport ---- */

ULONG disk_hba_block(const SCSI_REQUEST_BLOCK *srb)
{
    const UCHAR *cdb = srb->Cdb;

    return (ULONG)cdb[2] << 24 | (ULONG)cdb[3] << 16 | (ULONG)cdb[4] << 8 | cdb[5];
}

BOOLEAN disk_hba_is_write(const SCSI_REQUEST_BLOCK *srb)
{
    return srb->Cdb[0] == SCSIOP_WRITE;
}

void disk_hba_map(void)
{
    ScsiPortIoMapTransfer(the_scsi.extension, hba.srb, hba.srb->DataBuffer,
                          hba.srb->DataTransferLength);
}

static ULONG physical(void)
{
    ULONG length;
    SCSI_PHYSICAL_ADDRESS address =
        ScsiPortGetPhysicalAddress(the_scsi.extension, hba.srb, hba.srb->DataBuffer, &length);

    CHECK(length >= hba.srb->DataTransferLength);
    return ScsiPortConvertPhysicalAddressToUlong(address);
}

void disk_hba_go(void)
{
    bool asks = hba.srb->Cdb[0] == SCSIOP_INQUIRY;
    ULONG out = disk_hba_is_write(hba.srb) ? GO_OUT : 0;

    scsi_bench_register_set(REG_BLOCK, asks ? THE_INQUIRY : disk_hba_block(hba.srb) + hba.skew);
    if (hba.kind == DISK_HBA_MASTER)
        scsi_bench_register_set(REG_ADDRESS, physical());
    scsi_bench_register_set(REG_GO, hba.srb->DataTransferLength | out);
}

void disk_hba_end(UCHAR srb_status)
{
    PSCSI_REQUEST_BLOCK srb = hba.srb;

    hba.srb = NULL;
    scsi_bench_complete(srb, srb_status);
}

/* Programmed I/O: the chip's FIFO is the medium itself. */
static void copy(void)
{
    ULONG block = disk_hba_block(hba.srb) + hba.skew;

    for (ULONG at = 0; at < hba.srb->DataTransferLength; at += SIM_MEDIA_BLOCK_BYTES, block++) {
        PUCHAR data = (PUCHAR)hba.srb->DataBuffer + at;

        if (disk_hba_is_write(hba.srb))
            sim_media_write(NULL, 0, block, data);
        else
            sim_media_read(NULL, 0, block, data);
    }
    disk_hba_end(SRB_STATUS_SUCCESS);
}

static void start(PSCSI_REQUEST_BLOCK srb)
{
    hba.srb = srb;
    hba.tries++;
    if (hba.start)
        hba.start(srb);
    else if (hba.kind == DISK_HBA_SLAVE)
        disk_hba_map();
    else if (hba.kind == DISK_HBA_MASTER)
        disk_hba_go();
    else
        copy();
}

static bool is_transfer(const SCSI_REQUEST_BLOCK *srb)
{
    return srb->Function == SRB_FUNCTION_EXECUTE_SCSI &&
           (srb->Cdb[0] == SCSIOP_READ || srb->Cdb[0] == SCSIOP_WRITE);
}

/* A bus master gets all data by DMA. */
static bool asks_the_device(const SCSI_REQUEST_BLOCK *srb)
{
    return hba.kind == DISK_HBA_MASTER && srb->Cdb[0] == SCSIOP_INQUIRY && srb->TargetId == 0 &&
           srb->Lun == 0;
}

static void inquire(PSCSI_REQUEST_BLOCK srb)
{
    hba.srb = srb;
    disk_hba_go();
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
    if (hba.command && srb->Cdb[0] != SCSIOP_INQUIRY)
        hba.command(srb);
    if (is_transfer(srb))
        start(srb);
    else if (asks_the_device(srb))
        inquire(srb);
    else if (!hba.other || srb->Cdb[0] == SCSIOP_INQUIRY || !hba.other(srb))
        scsi_bench_complete(srb, scsi_bench_answer(srb));
    return TRUE;
}

static VOID dma_started(void)
{
    if (hba.started)
        hba.started();
    else
        disk_hba_go();
}

static BOOLEAN isr(void)
{
    if (scsi_bench_register(REG_LINE) != 1)
        return FALSE;
    scsi_bench_register_set(REG_LINE, 0);
    if (hba.interrupted && hba.srb && hba.srb->Cdb[0] != SCSIOP_INQUIRY) {
        hba.interrupted();
    } else if (hba.srb) {
        if (hba.kind == DISK_HBA_SLAVE)
            ScsiPortFlushDma(the_scsi.extension);
        disk_hba_end(SRB_STATUS_SUCCESS);
    }
    return TRUE;
}

static BOOLEAN reset_bus(ULONG path)
{
    hba.srb = NULL;
    scsi_bench_register_set(REG_LINE, 0);
    if (hba.kind == DISK_HBA_SLAVE)
        ScsiPortFlushDma(the_scsi.extension);
    ScsiPortCompleteRequest(the_scsi.extension, (UCHAR)path, SP_UNTAGGED, SP_UNTAGGED,
                            SRB_STATUS_BUS_RESET);
    ScsiPortNotification(NextRequest, the_scsi.extension);
    return TRUE;
}

/* ---- runs ---- */

static void init(PHW_INITIALIZATION_DATA data)
{
    data->MapBuffers = hba.kind == DISK_HBA_PIO;
    data->NeedPhysicalAddresses = hba.kind == DISK_HBA_MASTER;
    data->SrbExtensionSize = hba.srb_extension;
    data->TaggedQueuing = hba.tagged;
}

static void configure(PPORT_CONFIGURATION_INFORMATION config)
{
    if (hba.transfer)
        config->MaximumTransferLength = hba.transfer;
    config->CachesData = hba.cached;
    config->NumberOfPhysicalBreaks = 0;
    if (hba.kind == DISK_HBA_SLAVE) {
        config->DmaChannel = CHANNEL;
        config->DmaWidth = Width8Bits;
    } else if (hba.kind == DISK_HBA_MASTER) {
        config->Master = TRUE;
        config->Dma32BitAddresses = TRUE;
        config->NumberOfPhysicalBreaks = SCSI_BENCH_BREAKS;
    }
    if (hba.configure)
        hba.configure(config);
}

static void describe(struct ft_description *description)
{
    description->model = FT_MODEL_SCSIPORT;
    description->requests = FT_TAKES_BLOCKS;
    if (hba.kind == DISK_HBA_SLAVE) {
        description->dma_channel = CHANNEL;
        description->dma_bits = 8;
    }
}

void disk_hba_run(const struct disk_hba *how, const struct ft_op *op, unsigned op_count)
{
    hba = *how;
    scsi_bench_run(
        &(struct scsi_bench){.init = init,
                             .configure = configure,
                             .start_io = start_io,
                             .isr = isr,
                             .dma_started = how->kind == DISK_HBA_SLAVE ? dma_started : NULL,
                             .reset_bus = reset_bus,
                             .in = how->in,
                             .adjust = how->adjust,
                             .describe = describe,
                             .model = &model},
        op, op_count);
}
