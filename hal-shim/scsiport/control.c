/* HwScsiAdapterControl (scsiport.md, sections 2.9 and 11). */
#include "scsiport/adapter.h"

enum {
    GUARD = 0xA5,
    GUARD_BYTES = 16 /* behind the list, to see what is written there */
};

/* The list as the miniport gets it. */
struct query {
    ULONG max;
    BOOLEAN supported[ScsiAdapterControlMax + GUARD_BYTES];
};
C_ASSERT(offsetof(struct query, supported) ==
         offsetof(SCSI_SUPPORTED_CONTROL_TYPE_LIST, SupportedTypeList));

static uint64_t call_control(void *routine, void *extension, void *type, void *parameters)
{
    return ((PHW_ADAPTER_CONTROL)routine)(extension, (SCSI_ADAPTER_CONTROL_TYPE)(uintptr_t)type,
                                          parameters);
}

static SCSI_ADAPTER_CONTROL_STATUS call(struct ft_scsi_adapter *adapter,
                                        SCSI_ADAPTER_CONTROL_TYPE type, void *parameters)
{
    void *routine = (void *)adapter->init->data.HwAdapterControl;
    void *number = (void *)(uintptr_t)type;
    bool locked = type == ScsiStopAdapter || type == ScsiRestartAdapter;
    uint64_t status;

    adapter->control_now = (uint8_t)type;
    ft_emit(FT_EV_SCSI_CONTROLLING, ft_scsi_hba(adapter), type);
    status = locked
                 ? ft_scsi_call_synchronized(FT_ROUTINE_SCSI_CONTROL, adapter, NULL, call_control,
                                             routine, adapter->extension, number, parameters)
                 : ft_scsi_call(FT_ROUTINE_SCSI_CONTROL, adapter, NULL, call_control, routine,
                                adapter->extension, number, parameters);
    adapter->control_now = 0;
    return (SCSI_ADAPTER_CONTROL_STATUS)(uint32_t)status;
}

bool ft_scsi_supports(const struct ft_scsi_adapter *adapter, SCSI_ADAPTER_CONTROL_TYPE type)
{
    return adapter->can_stop && (adapter->control >> type & 1) != 0;
}

static unsigned bytes_beyond(const struct query *query)
{
    unsigned count = 0;

    for (unsigned i = ScsiAdapterControlMax; i < RTL_NUMBER_OF(query->supported); i++)
        count += query->supported[i] != GUARD;
    return count;
}

void ft_scsi_query_controls(struct ft_scsi_adapter *adapter)
{
    struct query query = {.max = ScsiAdapterControlMax};
    SCSI_ADAPTER_CONTROL_STATUS status;

    RtlFillMemory(query.supported + ScsiAdapterControlMax, GUARD_BYTES, GUARD);
    status = call(adapter, ScsiQuerySupportedControlTypes, &query);
    adapter->control = 0;
    for (unsigned i = 0; i < ScsiAdapterControlMax; i++)
        adapter->control |= (uint8_t)((query.supported[i] != FALSE) << i);
    ft_emit(FT_EV_SCSI_CONTROL, ft_scsi_hba(adapter), ScsiQuerySupportedControlTypes, status,
            ScsiAdapterControlMax, adapter->control, bytes_beyond(&query));
}

SCSI_ADAPTER_CONTROL_STATUS ft_scsi_control(struct ft_scsi_adapter *adapter,
                                            SCSI_ADAPTER_CONTROL_TYPE type)
{
    SCSI_ADAPTER_CONTROL_STATUS status = call(adapter, type, NULL);

    ft_emit(FT_EV_SCSI_CONTROL, ft_scsi_hba(adapter), type, status, 0, adapter->control, 0);
    return status;
}
