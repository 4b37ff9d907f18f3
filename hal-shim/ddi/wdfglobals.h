/* Which version of the framework a driver meets: always the one of these headers, so that every
 * routine and every structure is there. */
#ifndef _WDFGLOBALS_H_
#define _WDFGLOBALS_H_

#include "wdftypes.h"

#ifdef __cplusplus
#define WDF_EXTERN_C       extern "C"
#define WDF_EXTERN_C_START extern "C" {
#define WDF_EXTERN_C_END   }
#else
#define WDF_EXTERN_C
#define WDF_EXTERN_C_START
#define WDF_EXTERN_C_END
#endif

/* The name has to exist. */
#define WDF_IS_FUNCTION_AVAILABLE(FunctionName) (&(FunctionName) != NULL)
#define WDF_IS_STRUCTURE_AVAILABLE(StructName)  (sizeof(StructName) > 0)
#define WDF_IS_FIELD_AVAILABLE(StructName, FieldName)                                              \
    (FIELD_OFFSET(StructName, FieldName) < (LONG)sizeof(StructName))
#define WDF_STRUCTURE_SIZE(StructName) ((ULONG)sizeof(StructName))

#endif
