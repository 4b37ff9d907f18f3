/* A scenario for a driver of files becomes one for a SCSI miniport, op by op. */
#include "scenario/scenario_codec.h"
#include "sim/device.h"
#include "sim/module.h"

enum { BLOCK = SIM_MEDIA_BLOCK_BYTES, UNITS = 2 };

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

void ft_scenario_random_for(uint64_t seed, int platform, unsigned takes, struct ft_scenario *ret)
{
    ft_scenario_random(seed, platform, ret);
    for (unsigned i = 0; (takes & FT_TAKES_BLOCKS) != 0 && i < ret->op_count; i++)
        ret->op[i] = translated(&ret->op[i], i);
}
