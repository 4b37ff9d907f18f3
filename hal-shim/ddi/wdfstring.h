/* String objects. PASSIVE_LEVEL. */
#ifndef _WDFSTRING_H_
#define _WDFSTRING_H_

#include "wdfobject.h"

EXTERN_C_START

/* UnicodeString NULL: an empty string. */
NTSTATUS WdfStringCreate(PCUNICODE_STRING UnicodeString, PWDF_OBJECT_ATTRIBUTES StringAttributes,
                         WDFSTRING *String);
/* The text stays the object's. */
VOID WdfStringGetUnicodeString(WDFSTRING String, PUNICODE_STRING UnicodeString);

EXTERN_C_END

#endif
