/* The HBA's interrupt, and the callbacks that a miniport asks for with CallEnableInterrupts and
 * CallDisableInterrupts (scsiport.md, sections 5 and 6.3).
 *
 * From CallEnableInterrupts until the disable callback has run the miniport keeps the HBA's
 * interrupt masked, and HwScsiInterrupt is not entered: an interrupt that comes all the same is
 * not claimed.
 */
#include "scsiport/engine.h"

static uint64_t call_interrupt(void *routine, void *extension, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return ((PHW_INTERRUPT)routine)(extension);
}

static uint64_t call_callback(void *routine, void *extension, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PHW_INTERRUPT)routine)(extension); /* the result is nothing: the type is shared */
    return 0;
}

void ft_scsi_after(struct ft_scsi_adapter *adapter)
{
    if (!(adapter->intent.flags & FT_SCSI_NEED_DPC) || adapter->in_dpc)
        return;
    KeInsertQueueDpc(&adapter->dpc, NULL, NULL);
}

FT_PORT_ROUTINE
BOOLEAN NTAPI ft_scsi_isr(PKINTERRUPT interrupt, PVOID context)
{
    struct ft_scsi_adapter *adapter = context;
    BOOLEAN claimed;

    (void)interrupt;
    if (adapter->interrupts_off)
        return FALSE;
    claimed = (BOOLEAN)ft_scsi_call(FT_ROUTINE_SCSI_INTERRUPT, adapter, NULL, call_interrupt,
                                    (void *)adapter->init->data.HwInterrupt, adapter->extension,
                                    NULL, NULL);
    ft_scsi_after(adapter);
    return claimed;
}

/* At DISPATCH_LEVEL under the port lock; then what it asked for, at DIRQL. */
void ft_scsi_call_enable(struct ft_scsi_adapter *adapter, PHW_INTERRUPT enable)
{
    ft_scsi_call(FT_ROUTINE_SCSI_ENABLE, adapter, NULL, call_callback, (void *)enable,
                 adapter->extension, NULL, NULL);
}

void ft_scsi_call_disable(struct ft_scsi_adapter *adapter, PHW_INTERRUPT disable)
{
    adapter->interrupts_off = 0;
    ft_scsi_call_synchronized(FT_ROUTINE_SCSI_DISABLE, adapter, NULL, call_callback,
                              (void *)disable, adapter->extension, NULL, NULL);
}
