/* Work items. */
#ifndef _WDFWORKITEM_H_
#define _WDFWORKITEM_H_

#include "wdfobject.h"

EXTERN_C_START

/* PASSIVE_LEVEL; under the callback lock of the parent when AutomaticSerialization is set. Two
 * executions may overlap, because the item may be queued again as soon as its callback begins. */
typedef VOID EVT_WDF_WORKITEM(WDFWORKITEM WorkItem);
typedef EVT_WDF_WORKITEM *PFN_WDF_WORKITEM;

typedef struct _WDF_WORKITEM_CONFIG {
    ULONG Size;
    PFN_WDF_WORKITEM EvtWorkItemFunc;
    BOOLEAN AutomaticSerialization;
} WDF_WORKITEM_CONFIG, *PWDF_WORKITEM_CONFIG;

FORCEINLINE VOID WDF_WORKITEM_CONFIG_INIT(PWDF_WORKITEM_CONFIG Config,
                                          PFN_WDF_WORKITEM EvtWorkItemFunc)
{
    RtlZeroMemory(Config, sizeof *Config);
    Config->Size = sizeof *Config;
    Config->EvtWorkItemFunc = EvtWorkItemFunc;
    Config->AutomaticSerialization = TRUE;
}

/* <= DISPATCH_LEVEL. The attributes must name a parent. */
NTSTATUS WdfWorkItemCreate(PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
                           WDFWORKITEM *WorkItem);
VOID WdfWorkItemEnqueue(WDFWORKITEM WorkItem); /* <= DISPATCH_LEVEL; nothing when it is queued */
VOID WdfWorkItemFlush(WDFWORKITEM WorkItem);   /* PASSIVE_LEVEL; waits until it has run */
WDFOBJECT WdfWorkItemGetParentObject(WDFWORKITEM WorkItem);

EXTERN_C_END

#endif
