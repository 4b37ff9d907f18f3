/* Assertions of framework drivers. KMDF Verifier is on here, and so is WDFVERIFY. */
#ifndef _WDFASSERT_H_
#define _WDFASSERT_H_

#include "wdftypes.h"

#define WDFVERIFY(exp)                                                                             \
    {                                                                                              \
        if (!(exp))                                                                                \
            RtlAssert((PVOID) #exp, (PVOID)__FILE__, __LINE__, NULL);                              \
    }

#define VERIFY_IS_IRQL_PASSIVE_LEVEL() WDFVERIFY(KeGetCurrentIrql() == PASSIVE_LEVEL)
#define IS_AT_PASSIVE()                WDFVERIFY(KeGetCurrentIrql() == PASSIVE_LEVEL)

/* Compiles only when the constant c is not zero. */
#define WDFCASSERT(c)                                                                              \
    {                                                                                              \
        switch (0)                                                                                 \
        case (c):                                                                                  \
        case 0:;                                                                                   \
    }

#endif
