/* Connecting and disconnecting interrupts (wdm-io sheet, section 13).
 *
 * The mode and vector are the hardware's: what the driver says of sharing, mode and affinity is
 * only recorded. A device with messages can connect all of them at once (MESSAGE_BASED, an
 * interrupt object for each) or one by its vector; a device with a line gets the fall-back routine
 * on its line.
 *
 * Not modelled: ISRs at PASSIVE_LEVEL (they stop the run by name).
 */
#include "io/io_private.h"

enum { NOT_CONNECTED = 9, MESSAGE_ADDRESS = (int)0xFEE00000 };

struct connection {
    PKSERVICE_ROUTINE routine;
    PKMESSAGE_SERVICE_ROUTINE message_routine;
    PVOID context;
    PKSPIN_LOCK lock;
    ULONG vector;
    KIRQL irql, synchronize_irql;
    bool latched, shared; /* as the driver said */
};

static int find_input(ULONG vector)
{
    for (unsigned input = 0; input < ft_bus_inputs(); input++)
        if (ft_bus_vector(input) == vector)
            return (int)input;
    return -1;
}

/* Whose vector it is: that of the device in focus, if they share one. */
static struct ft_io_device *device_with(ULONG vector)
{
    struct ft_io_device *found = NULL;
    struct ft_focus was = {FT_DEV, 0};

    if (!FT_IO->second || find_input(vector) >= 0)
        return FT_DEV;
    was = ft_focus_on(ft_device_numbered(!FT_DEV->number));
    found = find_input(vector) >= 0 ? FT_DEV : was.at;
    ft_focus_back(was);
    return found;
}

static NTSTATUS connect(const struct connection *how, PKINTERRUPT *ret)
{
    int input = find_input(how->vector);
    PKINTERRUPT interrupt;

    if (input < 0 || how->irql > how->synchronize_irql || ft_interrupt_connected((unsigned)input))
        return STATUS_INVALID_PARAMETER;
    interrupt = ft_block_for_driver(sizeof *interrupt, FT_HC_INTERRUPT, 0);
    if (!interrupt)
        return STATUS_INSUFFICIENT_RESOURCES;
    interrupt->lock_word = how->lock ? (uint64_t *)how->lock : &interrupt->lock;
    interrupt->routine = how->routine;
    interrupt->message_routine = how->message_routine;
    interrupt->context = how->context;
    interrupt->irql = how->irql;
    interrupt->synchronize_irql = how->synchronize_irql;
    interrupt->input = (uint8_t)input;
    interrupt->device = FT_DEV->number;
    interrupt->after =
        ft_interrupt_line_is_shared() && ft_device_numbered(!FT_DEV->number)->interrupt[0] != NULL;
    /* The ISR may run from here on, so the caller has its pointer first. */
    *ret = interrupt;
    FT_DEV->interrupt[input] = interrupt;
    return STATUS_SUCCESS;
}

static NTSTATUS connect_and_tell(const struct connection *how, PKINTERRUPT *ret)
{
    struct ft_focus was = ft_focus_on(device_with(how->vector));
    PKINTERRUPT interrupt = NULL;
    NTSTATUS status;

    if (how->synchronize_irql == PASSIVE_LEVEL)
        ft_unimplemented("IoConnectInterruptEx, passive level");
    status = connect(how, &interrupt);
    if (NT_SUCCESS(status))
        *ret = interrupt;
    ft_emit(FT_EV_ISR_CONNECT, ft_handle_of(interrupt), ft_handle(FT_HC_DEVICE, FT_DEV->pdo_id, 0),
            how->vector, (uint32_t)status, how->irql, how->synchronize_irql, how->latched,
            how->shared);
    ft_focus_back(was);
    return status;
}

NTSTATUS IoConnectInterrupt(
    PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
    /* NOLINTNEXTLINE(readability-non-const-parameter): the signature is Windows' own. */
    PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL SynchronizeIrql,
    KINTERRUPT_MODE InterruptMode, BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask,
    BOOLEAN FloatingSave)
{
    struct connection how = {.routine = ServiceRoutine,
                             .context = ServiceContext,
                             .lock = SpinLock,
                             .vector = Vector,
                             .irql = Irql,
                             .synchronize_irql = SynchronizeIrql,
                             .latched = InterruptMode == Latched,
                             .shared = ShareVector != FALSE};
    NTSTATUS status;

    (void)ProcessorEnableMask;
    (void)FloatingSave;
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    status = connect_and_tell(&how, InterruptObject);
    FT_DDI_END(ISR_CONNECT, 0);
    return status;
}

/* ---- IoConnectInterruptEx ---- */

static NTSTATUS connect_full(IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS *full)
{
    struct connection how = {.routine = full->ServiceRoutine,
                             .context = full->ServiceContext,
                             .lock = full->SpinLock,
                             .vector = full->Vector,
                             .irql = full->Irql,
                             .synchronize_irql = full->SynchronizeIrql,
                             .latched = full->InterruptMode == Latched,
                             .shared = full->ShareVector != FALSE};

    return connect_and_tell(&how, full->InterruptObject);
}

/* The routine at the input, with vector, level and mode from the device's resources; a
 * SynchronizeIrql of zero leaves the level to the system. */
static struct connection connection_of(unsigned input, KIRQL synchronize_irql)
{
    const struct ft_description *description = ft_world_module()->description;
    struct connection how = {.vector = ft_bus_vector(input),
                             .irql = description->irq_level,
                             .synchronize_irql = description->irq_level,
                             .latched = description->interrupt != FT_INTERRUPT_LEVEL,
                             .shared = description->interrupt == FT_INTERRUPT_LEVEL};

    if (synchronize_irql > how.irql)
        how.synchronize_irql = synchronize_irql;
    return how;
}

static bool has_line(void)
{
    return ft_bus_inputs() > 0 &&
           ft_world_module()->description->interrupt != FT_INTERRUPT_MESSAGES;
}

static NTSTATUS connect_line(IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS *line)
{
    struct connection how = connection_of(0, line->SynchronizeIrql);

    if (!has_line())
        return STATUS_NOT_FOUND;
    how.routine = line->ServiceRoutine;
    how.context = line->ServiceContext;
    how.lock = line->SpinLock;
    return connect_and_tell(&how, line->InterruptObject);
}

/* No event of its own: the input has no connection any more, and its ISR, should it run, ends
 * first. */
static void take_back(PKINTERRUPT interrupt)
{
    struct ft_io_device *device = ft_device_numbered(interrupt->device);

    device->interrupt[interrupt->input] = NULL;
    device->spurious &= (uint8_t) ~(1u << interrupt->input);
    if (ft_interrupt_line_is_shared() && ft_device_numbered(!device->number)->interrupt[0])
        ((PKINTERRUPT)ft_device_numbered(!device->number)->interrupt[0])->after = 0;
    while (interrupt->active)
        ft_task_wait(interrupt, 0);
}

static void disconnect_one(PKINTERRUPT interrupt)
{
    struct ft_focus was = ft_focus_on(ft_device_numbered(interrupt->device));

    take_back(interrupt);
    ft_emit(FT_EV_ISR_DISCONNECT, ft_handle_of(interrupt));
    ft_focus_back(was);
    ft_block_free(interrupt);
}

static void describe_message(IO_INTERRUPT_MESSAGE_INFO_ENTRY *entry, const struct connection *how)
{
    entry->MessageAddress.QuadPart = (ULONG)MESSAGE_ADDRESS;
    entry->TargetProcessorSet = ((KAFFINITY)1 << FT_M->cpus) - 1;
    entry->MessageData = how->vector;
    entry->Vector = how->vector;
    entry->Irql = how->irql;
    entry->Mode = Latched;
    entry->Polarity = InterruptRisingEdge;
}

/* The driver has the table before the first ISR can run. */
static NTSTATUS connect_messages(IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS *messages)
{
    unsigned count = ft_bus_inputs();
    PIO_INTERRUPT_MESSAGE_INFO table = ft_block_for_driver(
        sizeof *table + count * sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY), FT_HC_OTHER, 0);
    NTSTATUS status = table ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    if (!table)
        return status;
    *messages->ConnectionContext.InterruptMessageTable = table;
    for (unsigned i = 0; i < count && NT_SUCCESS(status); i++) {
        struct connection how = connection_of(i, messages->SynchronizeIrql);

        how.message_routine = messages->MessageServiceRoutine;
        how.context = messages->ServiceContext;
        how.lock = messages->SpinLock;
        table->UnifiedIrql = how.synchronize_irql;
        describe_message(&table->MessageInfo[i], &how);
        status = connect_and_tell(&how, &table->MessageInfo[i].InterruptObject);
        table->MessageCount += NT_SUCCESS(status);
    }
    if (NT_SUCCESS(status))
        return status;
    while (table->MessageCount > 0)
        disconnect_one(table->MessageInfo[--table->MessageCount].InterruptObject);
    *messages->ConnectionContext.InterruptMessageTable = NULL;
    ft_block_free(table);
    return status;
}

/* A device without messages: the fall-back routine on its line, and Version says so. */
static NTSTATUS connect_fall_back(PIO_CONNECT_INTERRUPT_PARAMETERS parameters)
{
    IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS *messages = &parameters->MessageBased;
    struct connection how = connection_of(0, messages->SynchronizeIrql);

    if (!has_line() || !messages->FallBackServiceRoutine)
        return STATUS_NOT_FOUND;
    how.routine = messages->FallBackServiceRoutine;
    how.context = messages->ServiceContext;
    how.lock = messages->SpinLock;
    parameters->Version = CONNECT_LINE_BASED;
    return connect_and_tell(&how, messages->ConnectionContext.InterruptObject);
}

/* The PDO that the caller names. */
static PDEVICE_OBJECT named_in(const IO_CONNECT_INTERRUPT_PARAMETERS *parameters)
{
    switch (parameters->Version) {
    case CONNECT_LINE_BASED:
        return parameters->LineBased.PhysicalDeviceObject;
    case CONNECT_MESSAGE_BASED:
        return parameters->MessageBased.PhysicalDeviceObject;
    default:
        return parameters->FullySpecified.PhysicalDeviceObject;
    }
}

/* The device that it names is in focus. */
static NTSTATUS connect_ex(PIO_CONNECT_INTERRUPT_PARAMETERS parameters)
{
    switch (parameters->Version) {
    case CONNECT_FULLY_SPECIFIED:
    case CONNECT_FULLY_SPECIFIED_GROUP:
        return connect_full(&parameters->FullySpecified);
    case CONNECT_LINE_BASED:
        if (!ft_is_pdo(named_in(parameters)))
            return STATUS_INVALID_PARAMETER;
        return connect_line(&parameters->LineBased);
    case CONNECT_MESSAGE_BASED:
        if (!ft_is_pdo(named_in(parameters)))
            return STATUS_INVALID_PARAMETER;
        if (ft_world_module()->description->interrupt == FT_INTERRUPT_MESSAGES && ft_bus_inputs())
            return connect_messages(&parameters->MessageBased);
        return connect_fall_back(parameters);
    case CONNECT_MESSAGE_BASED_PASSIVE:
        ft_unimplemented("IoConnectInterruptEx, passive level");
    default:
        return STATUS_NOT_SUPPORTED;
    }
}

/* A version that the system does not know is answered with the highest one that it does. */
NTSTATUS IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    struct ft_focus was;
    NTSTATUS status;

    FT_DDI_BEGIN(ISR_CONNECT, 0);
    was = ft_focus_on_owner(named_in(Parameters));
    status = connect_ex(Parameters);
    ft_focus_back(was);
    if (status == STATUS_NOT_SUPPORTED)
        Parameters->Version = CONNECT_MESSAGE_BASED;
    FT_DDI_END(ISR_CONNECT, 0);
    return status;
}

/* ---- disconnecting ---- */

void ft_interrupt_check(PKINTERRUPT interrupt)
{
    if (!ft_block_is_live(interrupt, FT_HC_INTERRUPT))
        ft_bugcheck(FT_BUGCHECK_PNP, NOT_CONNECTED, ft_handle_of(interrupt), 0, 0);
}

/* Waits for an ISR that runs; none begins afterwards. */
static void disconnect(PKINTERRUPT interrupt)
{
    if (!ft_block_is_live(interrupt, FT_HC_INTERRUPT))
        ft_emit(FT_EV_ISR_DISCONNECT, ft_handle_of(interrupt));
    ft_interrupt_check(interrupt);
    disconnect_one(interrupt);
}

/* Bug check 0xCA as well when it is no table of messages, or one that was disconnected. */
static void check_table(PIO_INTERRUPT_MESSAGE_INFO table)
{
    if (!ft_block_is_live(table, FT_HC_OTHER))
        ft_bugcheck(FT_BUGCHECK_PNP, NOT_CONNECTED, ft_handle_of(table), 0, 0);
}

VOID IoDisconnectInterrupt(PKINTERRUPT InterruptObject)
{
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    disconnect(InterruptObject);
    FT_DDI_END(ISR_CONNECT, 0);
}

VOID IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    if (Parameters->Version == CONNECT_MESSAGE_BASED) {
        PIO_INTERRUPT_MESSAGE_INFO table = Parameters->ConnectionContext.InterruptMessageTable;

        check_table(table);
        while (table->MessageCount > 0)
            disconnect(table->MessageInfo[--table->MessageCount].InterruptObject);
        ft_block_free(table);
    } else {
        disconnect(Parameters->ConnectionContext.InterruptObject);
    }
    FT_DDI_END(ISR_CONNECT, 0);
}

/* ---- active and inactive ---- */

static void report(PKINTERRUPT interrupt, bool active)
{
    ft_interrupt_check(interrupt);
    ft_emit(FT_EV_INT_ACTIVE, ft_handle_of(interrupt), active);
    interrupt->inactive = !active;
}

static void report_state(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS parameters, bool active)
{
    PIO_INTERRUPT_MESSAGE_INFO table = parameters->ConnectionContext.InterruptMessageTable;

    if (parameters->Version != CONNECT_MESSAGE_BASED) {
        report(parameters->ConnectionContext.InterruptObject, active);
        return;
    }
    check_table(table);
    for (ULONG i = 0; i < table->MessageCount; i++)
        report(table->MessageInfo[i].InterruptObject, active);
}

/* Between Inactive and Active the interrupt is held back; what came meanwhile comes then. */
VOID IoReportInterruptActive(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS Parameters)
{
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    report_state(Parameters, true);
    FT_DDI_END(ISR_CONNECT, 0);
}

VOID IoReportInterruptInactive(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS Parameters)
{
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    report_state(Parameters, false);
    FT_DDI_END(ISR_CONNECT, 0);
}
