/* The miniport's timer (RequestTimerCall; scsiport.md, section 6.3): one slot. A new request
 * replaces the one that runs, and zero microseconds cancel it. The routine is called at DIRQL under
 * the port lock, as HwScsiInterrupt is.
 */
#include "scsiport/engine.h"

enum { TIMER_UNITS = 10 }; /* of 100 ns in a microsecond */

static uint64_t call_timer(void *routine, void *extension, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PHW_TIMER)routine)(extension);
    return 0;
}

/* A call that was replaced or cancelled while its DPC was on its way does not come. */
FT_PORT_ROUTINE
static VOID NTAPI expire(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct ft_scsi_adapter *adapter = context;
    PHW_TIMER routine;

    (void)dpc, (void)argument1, (void)argument2;
    KeAcquireSpinLockAtDpcLevel(&adapter->lock);
    routine = adapter->timer_routine;
    adapter->timer_routine = NULL;
    if (routine) {
        ft_scsi_call_synchronized(FT_ROUTINE_SCSI_TIMER, adapter, NULL, call_timer, (void *)routine,
                                  adapter->extension, NULL, NULL);
        ft_scsi_after(adapter);
    }
    KeReleaseSpinLockFromDpcLevel(&adapter->lock);
}

void ft_scsi_timer_begin(struct ft_scsi_adapter *adapter)
{
    KeInitializeTimer(&adapter->timer);
    KeInitializeDpc(&adapter->timer_dpc, expire, adapter);
}

void ft_scsi_timer_set(struct ft_scsi_adapter *adapter, PHW_TIMER routine, ULONG microseconds)
{
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)microseconds * TIMER_UNITS};

    if (!KeCancelTimer(&adapter->timer))
        KeRemoveQueueDpc(&adapter->timer_dpc);
    adapter->timer_routine = microseconds ? routine : NULL;
    if (adapter->timer_routine)
        KeSetTimer(&adapter->timer, due, &adapter->timer_dpc);
}

void ft_scsi_timer_stop(struct ft_scsi_adapter *adapter)
{
    ft_scsi_timer_set(adapter, NULL, 0);
}
