/* Messages of a driver's software tracing (ddi/ft_wpp.h): what DbgPrint prints, and %!TYPE!. */
#include "kernel/format.h"
#include "world/machine.h"

#include <ft_wpp.h>
#include <stdarg.h>
#include <string.h>

enum { TEXT_BYTES = 512 };

struct message {
    struct ft_text text;
    const char *flags, *function, *file;
    unsigned level, line;
    va_list args;
};

static void format(struct message *message, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    ft_text_format(&message->text, format, &args);
    va_end(args);
}

/* ---- types ---- */

static void put_guid(struct message *message)
{
    const GUID *guid = va_arg(message->args, const GUID *);

    if (!guid) {
        ft_text_put(&message->text, "NULL");
        return;
    }
    format(message, "{%08x-%04x-%04x-", guid->Data1, guid->Data2, guid->Data3);
    for (unsigned i = 0; i < sizeof guid->Data4; i++)
        format(message, i == 1 ? "%02x-" : "%02x", guid->Data4[i]);
    ft_text_put(&message->text, "}");
}

/* A pointer and a length, as a structure of both is passed. */
static void put_dump(struct message *message)
{
    const unsigned char *at = va_arg(message->args, const unsigned char *);
    unsigned bytes = (unsigned)va_arg(message->args, uint64_t) & 0xFFFF;

    for (unsigned i = 0; i < bytes && !message->text.cut; i++)
        format(message, "%02x ", at[i]);
}

/* Prints a handle. */
#define POINTER                                                                                    \
    "%"                                                                                            \
    "p"

/* How types look, in the format of DbgPrint. What is not here is an enumeration: a number. */
static const struct {
    const char *name, *format;
} types[] = {
    {"status", "0x%08x"},   {"ntstatus", "0x%08x"}, {"hresult", "0x%08x"},
    {"winerror", "0x%08x"}, {"x", "0x%x"},          {"s", "%s"},
    {"ws", "%S"},           {"anstr", "%Z"},        {"ustr", "%wZ"},
    {"p", POINTER},         {"ptr", POINTER},       {"handle", POINTER},
    {"ipaddr", "%08x"},     {"time", "%I64d"},      {"date", "%I64d"},
    {"datetime", "%I64d"},  {"timestamp", "%I64d"}, {"waittime", "%I64d"},
    {"delta", "%I64d"},     {"due", "%I64d"},
};

static bool is_named(const char *name, size_t length, const char *wanted)
{
    for (size_t i = 0; i < length; i++)
        if ((name[i] | 0x20) != (wanted[i] | 0x20) || !wanted[i])
            return false;
    return wanted[length] == 0;
}

/* True: a type that takes no argument. */
static bool put_place(struct message *message, const char *name, size_t length)
{
    if (is_named(name, length, "func"))
        ft_text_put(&message->text, message->function);
    else if (is_named(name, length, "file"))
        ft_text_put(&message->text, message->file);
    else if (is_named(name, length, "line"))
        format(message, "%u", message->line);
    else if (is_named(name, length, "level"))
        format(message, "%u", message->level);
    else if (is_named(name, length, "flags"))
        ft_text_put(&message->text, message->flags);
    else
        return is_named(name, length, "stdprefix") || is_named(name, length, "compname");
    return true;
}

static void put_type(struct message *message, const char *name, size_t length)
{
    if (put_place(message, name, length))
        return;
    if (is_named(name, length, "guid") || is_named(name, length, "clsid") ||
        is_named(name, length, "iid") || is_named(name, length, "libid")) {
        put_guid(message);
        return;
    }
    if (is_named(name, length, "hexdump") || is_named(name, length, "hexbuf")) {
        put_dump(message);
        return;
    }
    if (is_named(name, length, "bool") || is_named(name, length, "boolean")) {
        ft_text_put(&message->text, va_arg(message->args, int) ? "TRUE" : "FALSE");
        return;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_named(name, length, types[i].name)) {
            ft_text_format(&message->text, types[i].format, &message->args);
            return;
        }
    ft_text_format(&message->text, "%d", &message->args);
}

/* ---- messages ---- */

/* The part of the format before `end`. */
static void put_plain(struct message *message, const char *at, const char *end)
{
    char part[TEXT_BYTES];
    size_t length = (size_t)(end - at);

    if (length >= sizeof part)
        length = sizeof part - 1;
    memcpy(part, at, length);
    part[length] = 0;
    ft_text_format(&message->text, part, &message->args);
}

static void put_message(struct message *message, const char *at)
{
    const char *type, *end;

    while ((type = strstr(at, "%!")) != NULL && (end = strchr(type + 2, '!')) != NULL) {
        put_plain(message, at, type);
        put_type(message, type + 2, (size_t)(end - type) - 2);
        at = end + 1;
    }
    put_plain(message, at, at + strlen(at));
}

VOID ft_wpp_trace(ULONG Level, PCSTR Flags, PCSTR Function, PCSTR File, ULONG Line, PCSTR Format,
                  ...)
{
    char bytes[TEXT_BYTES];
    struct message message = {.text = {.narrow = bytes, .size = sizeof bytes},
                              .flags = Flags,
                              .function = Function,
                              .file = File,
                              .level = Level,
                              .line = Line};

    va_start(message.args, Format);
    put_message(&message, Format);
    va_end(message.args);
    ft_text_end(&message.text);
    if (message.text.used)
        ft_emit_text(FT_EV_DBG_PRINT, bytes);
}

VOID ft_wpp_use(int Unused, ...)
{
    (void)Unused;
}
