/*
 * ntstrsafe.h: string routines that never write past their buffer. Cb forms count bytes, Cch forms
 * characters, terminator included; A is for char, W for 16-bit WCHAR.
 *
 * STATUS_BUFFER_OVERFLOW: cut short, but terminated. STATUS_INVALID_PARAMETER: no room at all, more
 * than NTSTRSAFE_MAX_CCH characters, or a destination (or measured string) without terminator.
 * Copying, appending and measuring are inline, as in the WDK; the printf forms are the shim's, with
 * the conversions of DbgPrint (%I64u, %wZ, %ws, %S, a 32-bit %lu; %p prints a handle). %f and %n
 * stop the run by name.
 */
#ifndef _NTSTRSAFE_H_INCLUDED_
#define _NTSTRSAFE_H_INCLUDED_

#include "ntdef.h"

#include "ntstatus.h"

#define NTSTRSAFE_MAX_CCH                2147483647
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(WCHAR))

typedef char *NTSTRSAFE_PSTR;
typedef const char *NTSTRSAFE_PCSTR;
typedef WCHAR *NTSTRSAFE_PWSTR;
typedef const WCHAR *NTSTRSAFE_PCWSTR;

EXTERN_C_START

NTSTATUS RtlStringCbVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat,
                             va_list argList);
NTSTATUS RtlStringCbVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat,
                             va_list argList);
NTSTATUS RtlStringCbPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat, ...);
NTSTATUS RtlStringCbPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat,
                            ...);
NTSTATUS RtlStringCchVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat,
                              va_list argList);
NTSTATUS RtlStringCchVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat,
                              va_list argList);
NTSTATUS RtlStringCchPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat,
                             ...);
NTSTATUS RtlStringCchPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat,
                             ...);
NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat, ...);
NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat,
                                 va_list argList);

EXTERN_C_END

/* --- Workers: sizes and counts in characters. --- */
FORCEINLINE NTSTATUS ft_strsafe_length_a(const char *text, size_t limit, size_t *length)
{
    size_t n = 0;

    while (n < limit && text[n] != 0)
        n++;
    if (length != NULL)
        *length = n < limit ? n : 0;
    return n < limit ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

FORCEINLINE NTSTATUS ft_strsafe_copy_a(char *to, size_t size, const char *from, size_t count)
{
    size_t n = 0;

    if (size == 0 || size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (n + 1 < size && n < count && from[n] != 0) {
        to[n] = from[n];
        n++;
    }
    to[n] = 0;
    return n < count && from[n] != 0 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

FORCEINLINE NTSTATUS ft_strsafe_append_a(char *to, size_t size, const char *from, size_t count)
{
    size_t used;

    if (size == 0 || size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    if (ft_strsafe_length_a(to, size, &used) != STATUS_SUCCESS)
        return STATUS_INVALID_PARAMETER;
    return ft_strsafe_copy_a(to + used, size - used, from, count);
}

FORCEINLINE NTSTATUS ft_strsafe_length_w(const WCHAR *text, size_t limit, size_t *length)
{
    size_t n = 0;

    while (n < limit && text[n] != 0)
        n++;
    if (length != NULL)
        *length = n < limit ? n : 0;
    return n < limit ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

FORCEINLINE NTSTATUS ft_strsafe_copy_w(WCHAR *to, size_t size, const WCHAR *from, size_t count)
{
    size_t n = 0;

    if (size == 0 || size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (n + 1 < size && n < count && from[n] != 0) {
        to[n] = from[n];
        n++;
    }
    to[n] = 0;
    return n < count && from[n] != 0 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

FORCEINLINE NTSTATUS ft_strsafe_append_w(WCHAR *to, size_t size, const WCHAR *from, size_t count)
{
    size_t used;

    if (size == 0 || size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    if (ft_strsafe_length_w(to, size, &used) != STATUS_SUCCESS)
        return STATUS_INVALID_PARAMETER;
    return ft_strsafe_copy_w(to + used, size - used, from, count);
}

/* --- char. --- */
FORCEINLINE NTSTATUS RtlStringCbCopyA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc)
{
    return ft_strsafe_copy_a(pszDest, cbDest / sizeof(char), pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCbCopyNA(NTSTRSAFE_PSTR pszDest, size_t cbDest,
                                       NTSTRSAFE_PCSTR pszSrc, size_t cbToCopy)
{
    return ft_strsafe_copy_a(pszDest, cbDest / sizeof(char), pszSrc, cbToCopy / sizeof(char));
}

FORCEINLINE NTSTATUS RtlStringCbCatA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc)
{
    return ft_strsafe_append_a(pszDest, cbDest / sizeof(char), pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCbCatNA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc,
                                      size_t cbToAppend)
{
    return ft_strsafe_append_a(pszDest, cbDest / sizeof(char), pszSrc, cbToAppend / sizeof(char));
}

FORCEINLINE NTSTATUS RtlStringCchCopyA(NTSTRSAFE_PSTR pszDest, size_t cchDest,
                                       NTSTRSAFE_PCSTR pszSrc)
{
    return ft_strsafe_copy_a(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCchCopyNA(NTSTRSAFE_PSTR pszDest, size_t cchDest,
                                        NTSTRSAFE_PCSTR pszSrc, size_t cchToCopy)
{
    return ft_strsafe_copy_a(pszDest, cchDest, pszSrc, cchToCopy);
}

FORCEINLINE NTSTATUS RtlStringCchCatA(NTSTRSAFE_PSTR pszDest, size_t cchDest,
                                      NTSTRSAFE_PCSTR pszSrc)
{
    return ft_strsafe_append_a(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCchCatNA(NTSTRSAFE_PSTR pszDest, size_t cchDest,
                                       NTSTRSAFE_PCSTR pszSrc, size_t cchToAppend)
{
    return ft_strsafe_append_a(pszDest, cchDest, pszSrc, cchToAppend);
}

FORCEINLINE NTSTATUS RtlStringCchLengthA(NTSTRSAFE_PCSTR psz, size_t cchMax, size_t *pcchLength)
{
    if (psz == NULL || cchMax > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return ft_strsafe_length_a(psz, cchMax, pcchLength);
}

FORCEINLINE NTSTATUS RtlStringCbLengthA(NTSTRSAFE_PCSTR psz, size_t cbMax, size_t *pcbLength)
{
    size_t length = 0;
    NTSTATUS status = RtlStringCchLengthA(psz, cbMax / sizeof(char), &length);

    if (pcbLength != NULL)
        *pcbLength = length * sizeof(char);
    return status;
}

/* --- WCHAR. --- */
FORCEINLINE NTSTATUS RtlStringCbCopyW(NTSTRSAFE_PWSTR pszDest, size_t cbDest,
                                      NTSTRSAFE_PCWSTR pszSrc)
{
    return ft_strsafe_copy_w(pszDest, cbDest / sizeof(WCHAR), pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCbCopyNW(NTSTRSAFE_PWSTR pszDest, size_t cbDest,
                                       NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy)
{
    return ft_strsafe_copy_w(pszDest, cbDest / sizeof(WCHAR), pszSrc, cbToCopy / sizeof(WCHAR));
}

FORCEINLINE NTSTATUS RtlStringCbCatW(NTSTRSAFE_PWSTR pszDest, size_t cbDest,
                                     NTSTRSAFE_PCWSTR pszSrc)
{
    return ft_strsafe_append_w(pszDest, cbDest / sizeof(WCHAR), pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCbCatNW(NTSTRSAFE_PWSTR pszDest, size_t cbDest,
                                      NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend)
{
    return ft_strsafe_append_w(pszDest, cbDest / sizeof(WCHAR), pszSrc, cbToAppend / sizeof(WCHAR));
}

FORCEINLINE NTSTATUS RtlStringCchCopyW(NTSTRSAFE_PWSTR pszDest, size_t cchDest,
                                       NTSTRSAFE_PCWSTR pszSrc)
{
    return ft_strsafe_copy_w(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCchCopyNW(NTSTRSAFE_PWSTR pszDest, size_t cchDest,
                                        NTSTRSAFE_PCWSTR pszSrc, size_t cchToCopy)
{
    return ft_strsafe_copy_w(pszDest, cchDest, pszSrc, cchToCopy);
}

FORCEINLINE NTSTATUS RtlStringCchCatW(NTSTRSAFE_PWSTR pszDest, size_t cchDest,
                                      NTSTRSAFE_PCWSTR pszSrc)
{
    return ft_strsafe_append_w(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS RtlStringCchCatNW(NTSTRSAFE_PWSTR pszDest, size_t cchDest,
                                       NTSTRSAFE_PCWSTR pszSrc, size_t cchToAppend)
{
    return ft_strsafe_append_w(pszDest, cchDest, pszSrc, cchToAppend);
}

FORCEINLINE NTSTATUS RtlStringCchLengthW(NTSTRSAFE_PCWSTR psz, size_t cchMax, size_t *pcchLength)
{
    if (psz == NULL || cchMax > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    return ft_strsafe_length_w(psz, cchMax, pcchLength);
}

FORCEINLINE NTSTATUS RtlStringCbLengthW(NTSTRSAFE_PCWSTR psz, size_t cbMax, size_t *pcbLength)
{
    size_t length = 0;
    NTSTATUS status = RtlStringCchLengthW(psz, cbMax / sizeof(WCHAR), &length);

    if (pcbLength != NULL)
        *pcbLength = length * sizeof(WCHAR);
    return status;
}

/* --- Counted strings. --- */
FORCEINLINE NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING DestinationString,
                                          NTSTRSAFE_PCWSTR pszSrc)
{
    size_t length = 0;

    DestinationString->Length = 0;
    DestinationString->MaximumLength = 0;
    DestinationString->Buffer = NULL;
    if (pszSrc == NULL)
        return STATUS_SUCCESS;
    if (ft_strsafe_length_w(pszSrc, NTSTRSAFE_UNICODE_STRING_MAX_CCH, &length) != STATUS_SUCCESS)
        return STATUS_INVALID_PARAMETER;
    DestinationString->Length = (USHORT)(length * sizeof(WCHAR));
    DestinationString->MaximumLength = (USHORT)((length + 1) * sizeof(WCHAR));
    DestinationString->Buffer = (PWCH)(ULONG_PTR)pszSrc;
    return STATUS_SUCCESS;
}

/* Copies what fits; a counted string needs no terminator. */
FORCEINLINE NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING DestinationString,
                                                NTSTRSAFE_PCWSTR pszSrc)
{
    size_t size = DestinationString->MaximumLength / sizeof(WCHAR);
    size_t n = 0;

    while (n < size && pszSrc[n] != 0) {
        DestinationString->Buffer[n] = pszSrc[n];
        n++;
    }
    DestinationString->Length = (USHORT)(n * sizeof(WCHAR));
    return pszSrc[n] != 0 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

FORCEINLINE NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING DestinationString,
                                          PCUNICODE_STRING SourceString)
{
    USHORT length = SourceString->Length;

    if (length > DestinationString->MaximumLength)
        length = (USHORT)(DestinationString->MaximumLength & ~1);
    memmove(DestinationString->Buffer, SourceString->Buffer, length);
    DestinationString->Length = length;
    return length < SourceString->Length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

FORCEINLINE NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING DestinationString,
                                               NTSTRSAFE_PCWSTR pszSrc)
{
    UNICODE_STRING rest;
    NTSTATUS status;

    if (DestinationString->Length > DestinationString->MaximumLength)
        return STATUS_INVALID_PARAMETER;
    rest.Length = 0;
    rest.MaximumLength = (USHORT)(DestinationString->MaximumLength - DestinationString->Length);
    rest.Buffer = DestinationString->Buffer + DestinationString->Length / sizeof(WCHAR);
    status = RtlUnicodeStringCopyString(&rest, pszSrc);
    DestinationString->Length = (USHORT)(DestinationString->Length + rest.Length);
    return status;
}

FORCEINLINE NTSTATUS RtlStringCbCopyUnicodeString(NTSTRSAFE_PWSTR pszDest, size_t cbDest,
                                                  PCUNICODE_STRING SourceString)
{
    return ft_strsafe_copy_w(pszDest, cbDest / sizeof(WCHAR), SourceString->Buffer,
                             SourceString->Length / sizeof(WCHAR));
}

FORCEINLINE NTSTATUS RtlStringCchCopyUnicodeString(NTSTRSAFE_PWSTR pszDest, size_t cchDest,
                                                   PCUNICODE_STRING SourceString)
{
    return ft_strsafe_copy_w(pszDest, cchDest, SourceString->Buffer,
                             SourceString->Length / sizeof(WCHAR));
}

#endif
