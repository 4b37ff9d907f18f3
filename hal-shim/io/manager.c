/* The PnP and power manager: one task that sends one request after the other, in the order of the
 * ops that asked.
 *
 * An op that strikes while the manager is busy is queued; whether it is legal is judged at its
 * turn, and the event op:skipped then says that it was not. An op that strikes while the manager
 * rests is judged at once.
 *
 * Not modelled: a power request while a PnP request is on its way in the same stack (Windows allows
 * it); several devices.
 */
#include "io/io_private.h"

enum {
    STATE_NOT_STARTED = 1 << FT_PNP_NOT_STARTED,
    STATE_STARTED = 1 << FT_PNP_STARTED,
    STATE_STOP_PENDING = 1 << FT_PNP_STOP_PENDING,
    STATE_STOPPED = 1 << FT_PNP_STOPPED,
    STATE_REMOVE_PENDING = 1 << FT_PNP_REMOVE_PENDING,
    STATE_SURPRISE_REMOVED = 1 << FT_PNP_SURPRISE_REMOVED,
    ANY_POWER = 0,
    ONLY_D0,
    NOT_D0
};

/* What may be asked for in which state (wdm-io sheet, sections 6.1 and 7.1). The sources leave open
 * whether a device in D3 may be stopped; here it is not, because its START would have to power it
 * up. */
static const struct {
    uint8_t work;
    uint8_t pnp;   /* states, as bits */
    uint8_t power; /* ANY_POWER, ONLY_D0, NOT_D0 */
} legal_rows[] = {
    {FT_WORK_START, STATE_NOT_STARTED, ANY_POWER},
    {FT_WORK_TAIL_REMOVE,
     STATE_NOT_STARTED | STATE_STARTED | STATE_STOPPED | STATE_SURPRISE_REMOVED, ANY_POWER},
    {FT_OP_QUERY_REMOVE, STATE_NOT_STARTED | STATE_STARTED, ANY_POWER},
    {FT_OP_REMOVE, STATE_NOT_STARTED | STATE_STARTED, ANY_POWER},
    {FT_OP_SURPRISE_REMOVE,
     STATE_STARTED | STATE_STOP_PENDING | STATE_STOPPED | STATE_REMOVE_PENDING, ANY_POWER},
    {FT_OP_STOP, STATE_STARTED, ONLY_D0},
    {FT_OP_RESTART, STATE_STOPPED, ANY_POWER},
    {FT_OP_POWER_DOWN, STATE_STARTED, ONLY_D0},
    {FT_OP_POWER_UP, STATE_STARTED, NOT_D0},
};

static bool is_legal(unsigned work)
{
    bool d0 = FT_IO->power == FT_D0;

    if (!FT_IO->added)
        return false;
    for (size_t i = 0; i < sizeof legal_rows / sizeof *legal_rows; i++)
        if (legal_rows[i].work == work)
            return (legal_rows[i].pnp >> FT_IO->pnp & 1) &&
                   (legal_rows[i].power == ANY_POWER || (legal_rows[i].power == ONLY_D0) == d0);
    return false;
}

void ft_op_skipped(unsigned work, unsigned label, uint32_t op_index)
{
    uint64_t arg[] = {op_index, work, label};

    ft_emit_as(FT_LAYER_HARNESS, 0, FT_EV_OP_SKIPPED, 3, arg);
    FT_M->ops_skipped++;
}

static struct ft_manager_entry take_first(void)
{
    struct ft_manager_entry first = FT_IO->queue[0];

    FT_IO->queue_count--;
    for (unsigned i = 0; i < FT_IO->queue_count; i++)
        FT_IO->queue[i] = FT_IO->queue[i + 1];
    return first;
}

static void manage(void *unused)
{
    (void)unused;
    while (FT_IO->queue_count > 0) {
        struct ft_manager_entry entry = take_first();

        ft_current()->label = entry.label;
        if (is_legal(entry.work))
            ft_manager_run(entry.work);
        else if (entry.op_index)
            ft_op_skipped(entry.work, entry.label, entry.op_index);
    }
    FT_IO->manager_busy = 0;
}

static void run_task(unsigned label)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, manage, NULL, label);

    FT_IO->manager_busy = 1;
    ft_task_for_device(task);
    ft_task_prefer(task);
}

void ft_manager_release(void)
{
    FT_IO->manager_busy = 0;
    if (FT_IO->queue_count > 0)
        run_task(FT_IO->queue[0].label);
}

bool ft_manager_submit(unsigned work, unsigned label)
{
    struct ft_manager_entry *entry;

    if (FT_IO->manager_busy ? FT_IO->queue_count == FT_MANAGER_MAX : !is_legal(work))
        return false;
    label = ft_label_claim(label);
    entry = &FT_IO->queue[FT_IO->queue_count++];
    *entry = (struct ft_manager_entry){.work = (uint8_t)work, .label = (uint8_t)label};
    entry->op_index = FT_M->phase == FT_PHASE_TAIL ? 0 : FT_M->op_index;
    if (!FT_IO->manager_busy)
        run_task(label);
    return true;
}

void ft_manager_run(unsigned work)
{
    switch (work) {
    case FT_WORK_START:
    case FT_OP_RESTART:
        ft_pnp_start();
        break;
    case FT_WORK_TAIL_REMOVE:
        ft_pnp_tail_remove();
        break;
    case FT_OP_QUERY_REMOVE:
        ft_pnp_query_remove();
        break;
    case FT_OP_REMOVE:
        ft_pnp_remove();
        break;
    case FT_OP_SURPRISE_REMOVE:
        ft_pnp_surprise();
        break;
    case FT_OP_STOP:
        ft_pnp_stop();
        break;
    default:
        ft_power_set(work == FT_OP_POWER_UP ? FT_D0 : FT_D3);
        break;
    }
}
