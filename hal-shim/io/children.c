/* Children: the devices that a driver reports on a bus of its own, when the PnP manager asks for
 * BusRelations (irp-mn-query-device-relations, adding-a-pnp-device-to-a-running-system).
 *
 * The manager keeps one stack for each PDO that it was told of. What is no longer reported goes:
 * SURPRISE_REMOVAL when it is started, then REMOVE; what is new is asked what it is, and started
 * (children_start.c). A child goes before its parent, and is there after it.
 *
 * An ejection: EjectionRelations, QUERY_REMOVE of all that go together, REMOVE, and EJECT for the
 * child that can be ejected; its driver then reports it missing, and a last REMOVE ends it.
 *
 * Not modelled: handles and device interfaces of children; children of children, whose references
 * are given back; notifications about children; more than FT_CHILDREN_MAX of them (the run is cut).
 */
#include "io/io_private.h"
#include "kernel/handles.h"

enum {
    DUPLICATE_PDO = 1,
    IN_USE = 1 << FT_PNP_STARTED | 1 << FT_PNP_STOP_PENDING | 1 << FT_PNP_STOPPED |
             1 << FT_PNP_REMOVE_PENDING
};

static struct ft_child *first(void)
{
    return FT_DEV->children;
}

static bool is_in(const struct ft_child *child, unsigned states)
{
    return (states >> child->pnp & 1) != 0;
}

struct ft_child *ft_child_of(PDEVICE_OBJECT pdo)
{
    struct ft_child *child = first();

    while (child && child->pdo != pdo)
        child = child->next;
    return child;
}

PDEVICE_OBJECT ft_manager_pdo(void)
{
    const struct ft_child *child = FT_DEV->child;

    return child ? child->pdo : FT_DEV->pdo;
}

void ft_manager_turn(struct ft_child *child)
{
    FT_DEV->child = child;
    ft_current()->device =
        child ? (uint16_t)ft_handle_id(ft_block_handle(child->pdo)) : FT_DEV->pdo_id;
}

/* One request without parameters. */
static NTSTATUS send(struct ft_child *child, UCHAR minor)
{
    NTSTATUS status;

    ft_manager_turn(child);
    status = ft_pnp_send(minor);
    ft_manager_turn(NULL);
    return status;
}

/* ---- the end of a child ---- */

static void surprise(struct ft_child *child)
{
    if (is_in(child, IN_USE))
        send(child, IRP_MN_SURPRISE_REMOVAL);
}

/* A power IRP on its way keeps its device. */
static void remove_child(struct ft_child *child)
{
    ft_power_wait_stack(child->pdo);
    send(child, IRP_MN_REMOVE_DEVICE);
}

static void forget(struct ft_child *child)
{
    struct ft_child **at = (struct ft_child **)&FT_DEV->children;

    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    if (child->assigned)
        ft_block_free(child->assigned);
    ft_object_put(child->pdo);
    ft_block_free(child);
}

void ft_child_give_up(struct ft_child *child)
{
    surprise(child);
    remove_child(child);
}

void ft_children_surprise(void)
{
    for (struct ft_child *child = first(); child; child = child->next)
        surprise(child);
}

void ft_children_remove(void)
{
    struct ft_child *child;

    while ((child = first()) != NULL) {
        remove_child(child);
        forget(child);
    }
}

static void remove_missing(void)
{
    struct ft_child *next;

    for (struct ft_child *child = first(); child; child = child->next)
        if (!child->found)
            surprise(child);
    for (struct ft_child *child = first(); child; child = next) {
        next = child->next;
        if (child->found)
            continue;
        remove_child(child);
        forget(child);
    }
}

/* ---- what is reported ---- */

static void add(PDEVICE_OBJECT pdo)
{
    struct ft_child **at = (struct ft_child **)&FT_DEV->children, *child;
    unsigned count = 0;

    for (; *at; at = &(*at)->next)
        count++;
    child = count < FT_CHILDREN_MAX ? ft_block_alloc(sizeof *child, FT_HC_OTHER, 0) : NULL;
    if (!child) {
        ft_io_cut();
        return;
    }
    *child = (struct ft_child){.pdo = pdo, .pnp = FT_PNP_NOT_STARTED, .power = FT_D0, .found = 1};
    *at = child;
}

/* A device that is reported twice stops Windows. */
static void note(PDEVICE_OBJECT pdo, const DEVICE_RELATIONS *answer, ULONG index)
{
    struct ft_child *child = ft_child_of(pdo);

    for (ULONG i = 0; i < index; i++)
        if (answer->Objects[i] == pdo)
            ft_bugcheck(FT_BUGCHECK_PNP, DUPLICATE_PDO, ft_handle_of(pdo), 0, 0);
    if (!child) {
        add(pdo);
        return;
    }
    child->found = 1;
    ft_object_put(pdo);
}

void ft_children_take(PDEVICE_RELATIONS answer)
{
    for (struct ft_child *child = first(); child; child = child->next)
        child->found = 0;
    for (ULONG i = 0; i < answer->Count; i++)
        note(answer->Objects[i], answer, i);
    remove_missing();
    for (struct ft_child *child = first(); child; child = child->next)
        if (!child->known) {
            ft_child_identify(child);
            ft_child_start(child);
        }
}

/* ---- together with the device ---- */

NTSTATUS ft_children_ask(UCHAR minor)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (struct ft_child *child = first(); child && NT_SUCCESS(status); child = child->next) {
        child->asked = child->pnp == FT_PNP_STARTED;
        if (child->asked)
            status = send(child, minor);
    }
    return status;
}

/* Also from the one that said no. */
void ft_children_take_back(UCHAR minor)
{
    for (struct ft_child *child = first(); child; child = child->next) {
        if (child->asked)
            send(child, minor);
        child->asked = 0;
    }
}

void ft_children_stop(void)
{
    for (struct ft_child *child = first(); child; child = child->next)
        if (child->pnp == FT_PNP_STOP_PENDING)
            send(child, IRP_MN_STOP_DEVICE);
}

void ft_children_restart(void)
{
    for (struct ft_child *child = first(); child; child = child->next)
        if (child->pnp == FT_PNP_STOPPED)
            ft_child_start(child);
}

/* ---- ejection, and a change of state ---- */

bool ft_child_eject(PDEVICE_OBJECT pdo)
{
    struct ft_child *child = ft_child_of(pdo);

    if (!child)
        return false;
    if (!child->eject_due)
        ft_manager_submit(FT_WORK_CHILDREN, 0, NULL);
    child->eject_due = 1;
    return true;
}

bool ft_child_state(PDEVICE_OBJECT pdo)
{
    struct ft_child *child = ft_child_of(pdo);

    if (!child)
        return false;
    if (!child->state_due)
        ft_manager_submit(FT_WORK_CHILDREN, 0, NULL);
    child->state_due = 1;
    return true;
}

/* Marks who goes together with it, of the children that are known. */
static void mark_relations(struct ft_child *child)
{
    PDEVICE_RELATIONS answer;

    ft_manager_turn(child);
    answer = ft_pnp_ask_relations(EjectionRelations);
    ft_manager_turn(NULL);
    child->asked = 1;
    for (ULONG i = 0; answer && i < answer->Count; i++) {
        struct ft_child *other = ft_child_of(answer->Objects[i]);

        if (other)
            other->asked = 1;
        ft_object_put(answer->Objects[i]);
    }
    if (answer)
        ExFreePool(answer);
}

static bool ask_marked(void)
{
    bool agreed = true;

    for (struct ft_child *child = first(); child; child = child->next) {
        child->asked &= agreed && is_in(child, 1 << FT_PNP_STARTED);
        if (child->asked)
            agreed = NT_SUCCESS(send(child, IRP_MN_QUERY_REMOVE_DEVICE));
    }
    return agreed;
}

static void eject(struct ft_child *child)
{
    mark_relations(child);
    if (!ask_marked()) {
        ft_children_take_back(IRP_MN_CANCEL_REMOVE_DEVICE);
        return;
    }
    for (struct ft_child *at = first(); at; at = at->next) {
        if (at->asked)
            remove_child(at);
        at->asked = 0;
    }
    if (child->ejects)
        send(child, IRP_MN_EJECT);
}

/* The driver may say that a child that is started has failed. */
static void check_state(struct ft_child *child)
{
    bool failed;

    ft_manager_turn(child);
    failed = ft_pnp_has_failed();
    ft_manager_turn(NULL);
    if (failed)
        ft_child_give_up(child);
}

void ft_children_look(void)
{
    for (struct ft_child *child = first(); child; child = child->next) {
        bool state = child->state_due, out = child->eject_due;

        child->state_due = child->eject_due = 0;
        if (state && child->pnp == FT_PNP_STARTED)
            check_state(child);
        if (out)
            eject(child);
    }
}
