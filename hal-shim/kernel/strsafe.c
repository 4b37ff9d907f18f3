/* The printf forms of ntstrsafe.h: never past the buffer, always terminated. The results are the
 * driver's, so a conversion that is not modelled stops the run by name.
 */
#include "kernel/format.h"
#include "world/machine.h"

#include <ntstrsafe.h>

static NTSTATUS format_narrow(char *to, size_t size, const char *format, va_list list)
{
    struct ft_text text = {.narrow = to, .size = size, .strict = true};
    va_list args;

    if (size == 0 || size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    va_copy(args, list);
    ft_text_format(&text, format, &args);
    va_end(args);
    ft_text_end(&text);
    return text.cut ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS format_wide(WCHAR *to, size_t size, const WCHAR *format, va_list list)
{
    struct ft_text text = {.wide = to, .size = size, .strict = true};
    va_list args;

    if (size == 0 || size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    va_copy(args, list);
    ft_text_format_wide(&text, format, &args);
    va_end(args);
    ft_text_end(&text);
    return text.cut ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS RtlStringCbVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat,
                             va_list argList)
{
    return format_narrow(pszDest, cbDest, pszFormat, argList);
}

NTSTATUS RtlStringCbPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat, ...)
{
    NTSTATUS status;
    va_list args;

    va_start(args, pszFormat);
    status = format_narrow(pszDest, cbDest, pszFormat, args);
    va_end(args);
    return status;
}

NTSTATUS RtlStringCchVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat,
                              va_list argList)
{
    return format_narrow(pszDest, cchDest, pszFormat, argList);
}

NTSTATUS RtlStringCchPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat, ...)
{
    NTSTATUS status;
    va_list args;

    va_start(args, pszFormat);
    status = format_narrow(pszDest, cchDest, pszFormat, args);
    va_end(args);
    return status;
}

NTSTATUS RtlStringCbVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat,
                             va_list argList)
{
    return format_wide(pszDest, cbDest / sizeof(WCHAR), pszFormat, argList);
}

NTSTATUS RtlStringCbPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat, ...)
{
    NTSTATUS status;
    va_list args;

    va_start(args, pszFormat);
    status = format_wide(pszDest, cbDest / sizeof(WCHAR), pszFormat, args);
    va_end(args);
    return status;
}

NTSTATUS RtlStringCchVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat,
                              va_list argList)
{
    return format_wide(pszDest, cchDest, pszFormat, argList);
}

NTSTATUS RtlStringCchPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat,
                             ...)
{
    NTSTATUS status;
    va_list args;

    va_start(args, pszFormat);
    status = format_wide(pszDest, cchDest, pszFormat, args);
    va_end(args);
    return status;
}

/* A counted string needs no terminator: all of its buffer is for characters. */
NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat,
                                 va_list argList)
{
    PUNICODE_STRING to = DestinationString;
    struct ft_text text = {.strict = true};
    va_list args;

    if (!to || to->Length % 2 || to->MaximumLength % 2 || to->Length > to->MaximumLength ||
        (!to->Buffer && to->MaximumLength))
        return STATUS_INVALID_PARAMETER;
    if (to->MaximumLength == 0)
        return *pszFormat ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    text.wide = to->Buffer;
    text.size = to->MaximumLength / sizeof(WCHAR) + 1;
    va_copy(args, argList);
    ft_text_format_wide(&text, pszFormat, &args);
    va_end(args);
    to->Length = (USHORT)(text.used * sizeof(WCHAR));
    return text.cut ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat, ...)
{
    NTSTATUS status;
    va_list args;

    va_start(args, pszFormat);
    status = RtlUnicodeStringVPrintf(DestinationString, pszFormat, args);
    va_end(args);
    return status;
}
