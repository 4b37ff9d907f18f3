/* The PnP manager, which is also the system power manager: one task that sends one request after
 * the other, in the order of the ops that asked. Windows keeps system sleep and changes of the
 * device tree apart in the same way. Device power (power.c) goes beside it.
 *
 * An op that strikes while the manager is busy is queued; whether it is legal is judged at its
 * turn, and the event op:skipped then says that it was not. An op that strikes while the manager
 * rests is judged at once.
 *
 * Two devices of the driver have one queue: what is for one of them waits for what is on its way to
 * the other. Sleep and wake are of the machine. Children of a device: children.c.
 */
#include "io/io_private.h"

enum {
    IN_NOT_STARTED = 1 << FT_PNP_NOT_STARTED,
    IN_STARTED = 1 << FT_PNP_STARTED,
    IN_STOP_PENDING = 1 << FT_PNP_STOP_PENDING,
    IN_STOPPED = 1 << FT_PNP_STOPPED,
    IN_REMOVE_PENDING = 1 << FT_PNP_REMOVE_PENDING,
    IN_SURPRISE_REMOVED = 1 << FT_PNP_SURPRISE_REMOVED,
    IN_USE = IN_STARTED | IN_STOP_PENDING | IN_REMOVE_PENDING,
    ANYWHERE = IN_USE | IN_NOT_STARTED | IN_STOPPED | IN_SURPRISE_REMOVED,
    ANY_POWER = 0,
    ONLY_D0,
    NOT_D0,
    AWAKE = 0,
    ASLEEP,
    AWAKE_OR_NOT,
    FT_OP_FIRST = 16 /* what is below is the manager's own work */
};

/* What may be asked for in which state (wdm-io sheet, sections 6.1 and 7.1). A device in D3 may be
 * stopped: its START powers it up. A spurious CANCEL is legal wherever the device is started. */
static const struct {
    uint8_t work;
    uint8_t pnp;    /* states, as bits */
    uint8_t power;  /* ANY_POWER, ONLY_D0, NOT_D0 */
    uint8_t system; /* AWAKE, ASLEEP, AWAKE_OR_NOT */
} legal_rows[] = {
    {FT_WORK_START, IN_NOT_STARTED, ANY_POWER, AWAKE},
    {FT_WORK_TAIL_REMOVE, IN_NOT_STARTED | IN_STARTED | IN_STOPPED | IN_SURPRISE_REMOVED, ANY_POWER,
     AWAKE},
    {FT_WORK_DEVICE_STATE, IN_STARTED, ANY_POWER, AWAKE},
    {FT_WORK_RELATIONS, IN_STARTED, ANY_POWER, AWAKE},
    {FT_WORK_EJECT, IN_STARTED, ANY_POWER, AWAKE},
    {FT_WORK_CHILDREN, IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_QUERY_REMOVE, IN_NOT_STARTED | IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_REMOVE, IN_NOT_STARTED | IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_SURPRISE_REMOVE, ANYWHERE & ~IN_SURPRISE_REMOVED, ANY_POWER, AWAKE},
    {FT_OP_STOP, IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_QUERY_STOP, IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_RESTART, IN_STOPPED, ANY_POWER, AWAKE},
    {FT_OP_CANCEL_STOP, IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_CANCEL_REMOVE, IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_USAGE, IN_STARTED, ANY_POWER, AWAKE},
    {FT_OP_SLEEP, ANYWHERE, ANY_POWER, AWAKE},
    {FT_OP_WAKE, ANYWHERE, ANY_POWER, ASLEEP},
    {FT_OP_POWER_DOWN, IN_USE, ONLY_D0, AWAKE},
    {FT_OP_POWER_UP, IN_USE, NOT_D0, AWAKE},
    {FT_OP_POWER_TO, IN_USE, ANY_POWER, AWAKE},
    {FT_OP_QUERY_POWER, IN_USE, ANY_POWER, AWAKE},
};

bool ft_manager_legal_in(unsigned work, unsigned pnp, unsigned power, unsigned system)
{
    bool d0 = power == FT_D0, awake = system == FT_S0;

    for (size_t i = 0; i < sizeof legal_rows / sizeof *legal_rows; i++)
        if (legal_rows[i].work == work)
            return (legal_rows[i].pnp >> pnp & 1) &&
                   (legal_rows[i].power == ANY_POWER || (legal_rows[i].power == ONLY_D0) == d0) &&
                   (legal_rows[i].system == AWAKE_OR_NOT ||
                    (legal_rows[i].system == AWAKE) == awake);
    return false;
}

/* Some device is there to be told, and every one has let the power manager go on: one that waits
 * for PoStartNextPowerIrp sends no more; the orderly end does not wait. */
static bool system_legal(unsigned work)
{
    bool legal = false, owed = false;

    FT_EACH_DEVICE(device) {
        legal = legal || (device->added &&
                          ft_manager_legal_in(work, device->pnp, device->power, FT_IO->system));
        owed = owed || device->system_owed;
    }
    return legal && !(owed && FT_M->phase != FT_PHASE_TAIL);
}

/* A started device gets another START only with other resources. */
bool ft_manager_legal(unsigned work, unsigned arg)
{
    bool sleep_or_wake = work == FT_OP_SLEEP || work == FT_OP_WAKE;

    if (sleep_or_wake)
        return system_legal(work);
    if (!FT_DEV->added)
        return false;
    if (work == FT_OP_RESTART && FT_DEV->pnp == FT_PNP_STARTED)
        return arg != 0 && FT_IO->system == FT_S0;
    return ft_manager_legal_in(work, FT_DEV->pnp, FT_DEV->power, FT_IO->system);
}

void ft_op_skipped(unsigned work, unsigned label, uint32_t op_index)
{
    uint64_t arg[] = {op_index, work, label};

    ft_emit_as(FT_LAYER_HARNESS, 0, FT_EV_OP_SKIPPED, 3, arg);
    ft_ops_note(op_index, FT_MET_SKIPPED);
    FT_M->ops_skipped++;
}

/* What drivers ask of the PnP manager while the machine sleeps is done when it wakes. */
static bool put_off(unsigned work)
{
    bool asked = work == FT_WORK_DEVICE_STATE || work == FT_WORK_RELATIONS ||
                 work == FT_WORK_EJECT || work == FT_WORK_CHILDREN;

    if (!asked || FT_IO->system == FT_S0)
        return false;
    FT_DEV->owed_awake |= (uint8_t)(1u << work);
    return true;
}

void ft_manager_awake(void)
{
    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);
        unsigned owed = device->owed_awake;

        device->owed_awake = 0;
        for (unsigned work = 0; owed >> work; work++)
            if (owed >> work & 1)
                ft_manager_submit(work, 0, NULL);
        ft_focus_back(was);
    }
}

static struct ft_manager_entry take_first(void)
{
    struct ft_manager_entry first = FT_IO->queue[0];

    FT_IO->queue_count--;
    for (unsigned i = 0; i < FT_IO->queue_count; i++)
        FT_IO->queue[i] = FT_IO->queue[i + 1];
    return first;
}

static bool is_legal(const struct ft_manager_entry *entry)
{
    if (entry->work == FT_OP_USAGE && !ft_pnp_usage_legal(entry->arg[0], entry->arg[1] != 0))
        return false;
    return ft_manager_legal(entry->work, entry->arg[0]);
}

/* One piece of work; its legality was judged. */
static void run(const struct ft_manager_entry *entry)
{
    switch (entry->work) {
    case FT_WORK_START:
        ft_pnp_start();
        break;
    case FT_OP_RESTART:
        ft_pnp_restart(entry->arg[0] != 0);
        break;
    case FT_WORK_TAIL_REMOVE:
        ft_pnp_tail_remove();
        break;
    case FT_WORK_DEVICE_STATE:
        ft_pnp_device_state();
        break;
    case FT_WORK_RELATIONS:
        ft_pnp_relations(BusRelations);
        break;
    case FT_WORK_EJECT:
        ft_pnp_eject();
        break;
    case FT_WORK_CHILDREN:
        ft_children_look();
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
    case FT_OP_QUERY_STOP:
        ft_pnp_query_stop();
        break;
    case FT_OP_CANCEL_STOP:
        ft_pnp_send(IRP_MN_CANCEL_STOP_DEVICE);
        break;
    case FT_OP_CANCEL_REMOVE:
        ft_pnp_send(IRP_MN_CANCEL_REMOVE_DEVICE);
        break;
    case FT_OP_USAGE:
        ft_pnp_usage(entry->arg[0], entry->arg[1] != 0);
        break;
    case FT_OP_SLEEP:
        ft_system_sleep(entry->arg[0], entry->arg[1] != 0);
        break;
    default:
        ft_system_wake();
        break;
    }
}

static void manage(void *unused)
{
    (void)unused;
    while (FT_IO->queue_count > 0) {
        struct ft_manager_entry entry = take_first();
        struct ft_focus was = ft_focus_on(ft_device_numbered(entry.device));

        ft_current()->label = entry.label;
        if (is_legal(&entry))
            run(&entry);
        else if (!put_off(entry.work) && entry.op_index)
            ft_op_skipped(entry.work, entry.label, entry.op_index);
        ft_focus_back(was);
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

bool ft_manager_submit(unsigned work, unsigned label, const uint16_t *arg)
{
    struct ft_manager_entry entry = {.work = (uint8_t)work, .device = FT_DEV->number};

    entry.arg[0] = (uint8_t)(arg ? arg[0] : 0);
    entry.arg[1] = (uint8_t)(arg ? arg[1] : 0);
    if (FT_IO->manager_busy ? FT_IO->queue_count == FT_MANAGER_MAX : !is_legal(&entry)) {
        (void)(FT_IO->manager_busy || put_off(work));
        return false;
    }
    entry.label = (uint8_t)ft_label_claim(label);
    if (work >= FT_OP_FIRST && FT_M->phase != FT_PHASE_TAIL)
        entry.op_index = FT_M->op_index;
    FT_IO->queue[FT_IO->queue_count++] = entry;
    if (!FT_IO->manager_busy)
        run_task(entry.label);
    return true;
}
