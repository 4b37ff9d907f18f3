/* A scenario for a driver of files becomes one for the driver that there is: for a SCSI miniport op
 * by op, for one with two devices as scenario_devices.c has it. */
#include "scenario/scenario_codec.h"
#include "scenario/scenario_draw.h"
#include "sim/device.h"
#include "sim/module.h"

#include <string.h>

enum { BLOCK = SIM_MEDIA_BLOCK_BYTES, UNITS = 2, STREAM_DEVICES = 8 };

/* As many blocks as the bytes span, on one of the first disks, where others have been, too. */
static struct ft_op on_disk(const struct ft_op *op, enum ft_op_kind kind)
{
    unsigned most = ft_op_row(kind)->arg_max[0], blocks = (op->arg[0] + BLOCK - 1) / BLOCK;
    struct ft_op ret = *op;

    ret.kind = (uint8_t)kind;
    ret.arg[0] = (uint16_t)(blocks < most ? blocks : most);
    ret.arg[1] = (uint16_t)((op->arg[0] + 3U * op->arg[1]) % (UNITS * SIM_MEDIA_BLOCKS));
    return ret;
}

static struct ft_op other(const struct ft_op *op, enum ft_op_kind kind, unsigned what,
                          unsigned unit)
{
    struct ft_op ret = *op;

    ret.kind = (uint8_t)kind;
    ret.arg[0] = (uint16_t)(what % (ft_op_row(kind)->arg_max[0] + 1U));
    ret.arg[1] = (uint16_t)(ft_op_row(kind)->argc > 1 ? unit % UNITS : 0);
    return ret;
}

static struct ft_op translated(const struct ft_op *op, unsigned place)
{
    unsigned drawn = op->arg[0] + op->arg[1] + place;

    switch (op->kind) {
    case FT_OP_READ:
    case FT_OP_READ_PAGES:
        return on_disk(op, FT_OP_DISK_READ);
    case FT_OP_WRITE:
    case FT_OP_WRITE_PAGES:
        return on_disk(op, FT_OP_DISK_WRITE);
    case FT_OP_IOCTL:
        return other(op, FT_OP_DISK_CONTROL, op->arg[0], op->arg[1]);
    case FT_OP_DEVICE_REGISTER:
    case FT_OP_DEVICE_INTERRUPT:
    case FT_OP_DEVICE_MOVES:
        return other(op, FT_OP_DISK_NEXT, drawn, 0);
    case FT_OP_CANCEL:
        return place % 2 ? other(op, FT_OP_ABORT, op->arg[0], 0) : *op;
    case FT_OP_CLOSE_HANDLE:
    case FT_OP_CANCEL_STOP:
    case FT_OP_QUERY_POWER:
        return other(op, FT_OP_TARGET, 1 + drawn % (SIM_OUTSIDE_COUNT - 1), place / 3);
    case FT_OP_CANCEL_REMOVE:
    case FT_OP_WAKE_SIGNAL:
        return other(op, FT_OP_BUS_RESET, 0, 0);
    default:
        return *op;
    }
}

/* Where a miniport and its port can be struck; its own calls of the kernel are few. */
static const uint8_t passed[] = {
    FT_PT_CALL_ENTER,       FT_PT_CALL_LEAVE,     FT_PT_IRQ_RAISED,      FT_PT_ENGINE_BURST,
    FT_PT_ENGINE_BURST_OUT, FT_PT_REG_READ,       FT_PT_REG_READ_OUT,    FT_PT_REG_WRITE,
    FT_PT_REG_WRITE_OUT,    FT_PT_PORT,           FT_PT_PORT_OUT,        FT_PT_SCSI_NOTIFY,
    FT_PT_SCSI_NOTIFY_OUT,  FT_PT_SCSI_COMPLETE,  FT_PT_SCSI_QUERY,      FT_PT_SCSI_DPC,
    FT_PT_SCSI_MAP,         FT_PT_SCSI_MAP_OUT,   FT_PT_SCSI_FLUSH,      FT_PT_SCSI_FLUSH_OUT,
    FT_PT_SCSI_ADDRESS,     FT_PT_SCSI_DMA_FLUSH, FT_PT_SCSI_DMA_MAP,    FT_PT_SCSI_DMA_MAPPED,
    FT_PT_IRP_CALL,         FT_PT_IRP_COMPLETE,   FT_PT_SCSI_ADDRESS_OUT};

/* A point that a driver of files passes, or the one in its place. */
static uint8_t point_for_miniport(uint8_t point)
{
    if (memchr(passed, point, sizeof(passed)) != NULL)
        return point;
    return passed[point % sizeof(passed)];
}

void ft_scenario_random_for(uint64_t seed, int platform, unsigned takes, struct ft_scenario *ret)
{
    struct ft_prng prng = ft_prng_init(seed, STREAM_DEVICES);

    ft_scenario_random(seed, platform, ret);
    if (takes & FT_TAKES_FOR_TWO)
        ft_scenario_spread(&prng, ret);
    for (unsigned i = 0; (takes & FT_TAKES_BLOCKS) != 0 && i < ret->op_count; i++) {
        ret->op[i] = translated(&ret->op[i], i);
        if (ret->op[i].moment.count != 0)
            ret->op[i].moment.point = point_for_miniport(ret->op[i].moment.point);
    }
}
