/* String objects: a copy of the text, with a null behind it. */
#include "kmdf/kmdf_private.h"

struct string {
    struct ft_wdf_object object;
    UNICODE_STRING text;
};

static void destroy(struct ft_wdf_object *object)
{
    struct string *string = (struct string *)object;

    if (string->text.Buffer)
        ft_block_free(string->text.Buffer);
}

static const struct ft_wdf_class string_class = {
    .handle_class = FT_HC_WDF_STRING, .passive = 1, .destroy = destroy};

NTSTATUS ft_wdf_string_set(WDFSTRING handle, const UNICODE_STRING *text)
{
    struct string *string = (struct string *)handle;
    PWSTR copy;

    if (text->Length > MAXUSHORT - sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER;
    copy = ft_block_for_driver(text->Length + sizeof(WCHAR), FT_HC_OTHER, 0);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    ft_raw_copy(copy, text->Buffer, text->Length);
    if (string->text.Buffer)
        ft_block_free(string->text.Buffer);
    string->text = (UNICODE_STRING){.Length = text->Length,
                                    .MaximumLength = (USHORT)(text->Length + sizeof(WCHAR)),
                                    .Buffer = copy};
    return STATUS_SUCCESS;
}

const UNICODE_STRING *ft_wdf_string_text(WDFSTRING handle)
{
    return &((struct string *)handle)->text;
}

NTSTATUS ft_wdf_string_new(const UNICODE_STRING *text, const WDF_OBJECT_ATTRIBUTES *attributes,
                           WDFSTRING *ret)
{
    NTSTATUS status;
    struct string *string =
        ft_wdf_object_new(&string_class, sizeof *string, FT_WDF->driver, attributes, &status);

    *ret = NULL;
    if (string && text) {
        status = ft_wdf_string_set((WDFSTRING)string, text);
        if (!NT_SUCCESS(status))
            ft_wdf_object_abandon(&string->object);
    }
    if (NT_SUCCESS(status))
        *ret = (WDFSTRING)string;
    return status;
}

NTSTATUS ft_wdf_text_check(const UNICODE_STRING *text)
{
    if (text->Length % sizeof(WCHAR) || text->Length > text->MaximumLength ||
        (text->Length != 0 && !text->Buffer))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTATUS WdfStringCreate(PCUNICODE_STRING UnicodeString, PWDF_OBJECT_ATTRIBUTES StringAttributes,
                         WDFSTRING *String)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(String);
    *String = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = UnicodeString ? ft_wdf_text_check(UnicodeString) : STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        status = ft_wdf_string_new(UnicodeString, StringAttributes, String);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

VOID WdfStringGetUnicodeString(WDFSTRING String, PUNICODE_STRING UnicodeString)
{
    const struct string *string;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    string = ft_wdf_check(String, FT_HC_WDF_STRING);
    ft_wdf_require(UnicodeString);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        *UnicodeString = string->text;
    FT_WDF_END(WDF_OBJECT, 0);
}
