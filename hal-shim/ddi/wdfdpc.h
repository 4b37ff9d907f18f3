/* DPC objects. */
#ifndef _WDFDPC_H_
#define _WDFDPC_H_

#include "wdfobject.h"

EXTERN_C_START

/* DISPATCH_LEVEL; under the callback lock of the parent when AutomaticSerialization is set. */
typedef VOID EVT_WDF_DPC(WDFDPC Dpc);
typedef EVT_WDF_DPC *PFN_WDF_DPC;

typedef struct _WDF_DPC_CONFIG {
    ULONG Size;
    PFN_WDF_DPC EvtDpcFunc;
    BOOLEAN AutomaticSerialization;
} WDF_DPC_CONFIG, *PWDF_DPC_CONFIG;

FORCEINLINE VOID WDF_DPC_CONFIG_INIT(PWDF_DPC_CONFIG Config, PFN_WDF_DPC EvtDpcFunc)
{
    RtlZeroMemory(Config, sizeof *Config);
    Config->Size = sizeof *Config;
    Config->EvtDpcFunc = EvtDpcFunc;
    Config->AutomaticSerialization = TRUE;
}

/* <= DISPATCH_LEVEL. The attributes must name a parent. */
NTSTATUS WdfDpcCreate(PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc);
BOOLEAN WdfDpcEnqueue(WDFDPC Dpc);              /* any level; FALSE: it is queued already */
BOOLEAN WdfDpcCancel(WDFDPC Dpc, BOOLEAN Wait); /* any level; PASSIVE_LEVEL when it waits */
WDFOBJECT WdfDpcGetParentObject(WDFDPC Dpc);
PKDPC WdfDpcWdmGetDpc(WDFDPC Dpc);

EXTERN_C_END

#endif
