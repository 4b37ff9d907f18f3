/* What a framework driver may call to stop the machine. <= HIGH_LEVEL. */
#ifndef _WDFVERIFIER_H_
#define _WDFVERIFIER_H_

#include "wdftypes.h"

EXTERN_C_START

VOID WdfVerifierDbgBreakPoint(VOID);
VOID WdfVerifierKeBugCheck(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                           ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                           ULONG_PTR BugCheckParameter4);
PVOID WdfGetTriageInfo(VOID);

EXTERN_C_END

#endif
