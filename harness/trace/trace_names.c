/* Tables of names. Numbers are those of the Windows headers, of sim/event.h, sim/handle.h and
 * ops.def. */
#include "trace/trace_names.h"

#include "sim/handle.h"
#include "sim/scenario.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct name_row {
    uint32_t number;
    const char *name;
};

struct name_table {
    const struct name_row *row;
    size_t count;
};

static const struct name_row status_names[] = {
    {0x00000000, "STATUS_SUCCESS"},
    {0x00000101, "STATUS_ALERTED"},
    {0x00000102, "STATUS_TIMEOUT"},
    {0x00000103, "STATUS_PENDING"},
    {0x00000119, "STATUS_RESOURCE_REQUIREMENTS_CHANGED"},
    {0x40000000, "STATUS_OBJECT_NAME_EXISTS"},
    {0x40200000, "STATUS_WDF_QUEUED"},
    {0x40200002, "STATUS_WDF_POSTED"},
    {0x80000005, "STATUS_BUFFER_OVERFLOW"},
    {0x80000011, "STATUS_DEVICE_BUSY"},
    {0x8000001A, "STATUS_NO_MORE_ENTRIES"},
    {0xC0000001, "STATUS_UNSUCCESSFUL"},
    {0xC0000002, "STATUS_NOT_IMPLEMENTED"},
    {0xC0000004, "STATUS_INFO_LENGTH_MISMATCH"},
    {0xC0000005, "STATUS_ACCESS_VIOLATION"},
    {0xC0000008, "STATUS_INVALID_HANDLE"},
    {0xC000000D, "STATUS_INVALID_PARAMETER"},
    {0xC000000E, "STATUS_NO_SUCH_DEVICE"},
    {0xC0000010, "STATUS_INVALID_DEVICE_REQUEST"},
    {0xC0000011, "STATUS_END_OF_FILE"},
    {0xC0000016, "STATUS_MORE_PROCESSING_REQUIRED"},
    {0xC0000017, "STATUS_NO_MEMORY"},
    {0xC0000022, "STATUS_ACCESS_DENIED"},
    {0xC0000023, "STATUS_BUFFER_TOO_SMALL"},
    {0xC0000034, "STATUS_OBJECT_NAME_NOT_FOUND"},
    {0xC0000035, "STATUS_OBJECT_NAME_COLLISION"},
    {0xC000003C, "STATUS_DATA_OVERRUN"},
    {0xC0000056, "STATUS_DELETE_PENDING"},
    {0xC0000073, "STATUS_NONE_MAPPED"},
    {0xC0000094, "STATUS_INTEGER_DIVIDE_BY_ZERO"},
    {0xC000009A, "STATUS_INSUFFICIENT_RESOURCES"},
    {0xC000009D, "STATUS_DEVICE_NOT_CONNECTED"},
    {0xC000009E, "STATUS_DEVICE_POWER_FAILURE"},
    {0xC00000A3, "STATUS_DEVICE_NOT_READY"},
    {0xC00000B5, "STATUS_IO_TIMEOUT"},
    {0xC00000BB, "STATUS_NOT_SUPPORTED"},
    {0xC00000C0, "STATUS_DEVICE_DOES_NOT_EXIST"},
    {0xC00000E5, "STATUS_INTERNAL_ERROR"},
    {0xC00000EF, "STATUS_INVALID_PARAMETER_1"},
    {0xC00000F0, "STATUS_INVALID_PARAMETER_2"},
    {0xC00000F1, "STATUS_INVALID_PARAMETER_3"},
    {0xC00000F2, "STATUS_INVALID_PARAMETER_4"},
    {0xC0000120, "STATUS_CANCELLED"},
    {0xC0000121, "STATUS_CANNOT_DELETE"},
    {0xC0000182, "STATUS_DEVICE_CONFIGURATION_ERROR"},
    {0xC0000184, "STATUS_INVALID_DEVICE_STATE"},
    {0xC0000185, "STATUS_IO_DEVICE_ERROR"},
    {0xC0000206, "STATUS_INVALID_BUFFER_SIZE"},
    {0xC0000225, "STATUS_NOT_FOUND"},
    {0xC0000240, "STATUS_REQUEST_ABORTED"},
    {0xC00002B6, "STATUS_DEVICE_REMOVED"},
    {0xC00002D3, "STATUS_POWER_STATE_INVALID"},
    {0xC0200200, "STATUS_WDF_NO_PACKAGE"},
    {0xC0200201, "STATUS_WDF_INTERNAL_ERROR"},
    {0xC0200203, "STATUS_WDF_PAUSED"},
    {0xC0200204, "STATUS_WDF_BUSY"},
    {0xC0200205, "STATUS_WDF_IO_TIMEOUT_NOT_SENT"},
    {0xC0200206, "STATUS_WDF_DEVICE_REMOVED_NOT_SENT"},
    {0xC0200207, "STATUS_WDF_REQUEST_ALREADY_PENDING"},
    {0xC0200208, "STATUS_WDF_REQUEST_INVALID_STATE"},
    {0xC0200209, "STATUS_WDF_OBJECT_ATTRIBUTES_INVALID"},
    {0xC020020A, "STATUS_WDF_TOO_FRAGMENTED"},
    {0xC020020B, "STATUS_WDF_NO_CALLBACK"},
    {0xC020020C, "STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL"},
    {0xC020020D, "STATUS_WDF_PARENT_ALREADY_ASSIGNED"},
    {0xC020020E, "STATUS_WDF_PARENT_IS_SELF"},
    {0xC020020F, "STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED"},
    {0xC0200210, "STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID"},
    {0xC0200211, "STATUS_WDF_EXECUTION_LEVEL_INVALID"},
    {0xC0200212, "STATUS_WDF_PARENT_NOT_SPECIFIED"},
    {0xC0200213, "STATUS_WDF_TOO_MANY_TRANSFERS"},
    {0xC0200214, "STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS"},
};

static const struct name_row bool_names[] = {{0, "no"}, {1, "yes"}};
static const struct name_row irql_names[] = {{0, "PASSIVE"}, {1, "APC"}, {2, "DISPATCH"}};
static const struct name_row power_names[] = {{1, "D0"}, {2, "D1"}, {3, "D2"}, {4, "D3"}};

static const struct name_row action_names[] = {
    {1, "KeepObject"}, {2, "DeallocateObject"}, {3, "DeallocateObjectKeepRegisters"}};

/* The spaces of "timer DPC" would end the token, so names are written with hyphens: see hyphenate.
 */
static const struct name_row routine_names[] = {
#define RT(number, symbol, name) {number, name},
    FT_ROUTINES(RT)
#undef RT
};

static const struct name_row task_kind_names[] = {
    {FT_TASK_ISR, "isr"},     {FT_TASK_DPC, "dpc"},   {FT_TASK_ENGINE, "engine"},
    {FT_TASK_TIMER, "timer"}, {FT_TASK_WORK, "work"}, {FT_TASK_THREAD, "thread"},
    {FT_TASK_CLOCK, "clock"},
};

static const struct name_row pnp_names[] = {
    {FT_PNP_NOT_STARTED, "not-started"},
    {FT_PNP_STARTED, "started"},
    {FT_PNP_STOP_PENDING, "stop-pending"},
    {FT_PNP_STOPPED, "stopped"},
    {FT_PNP_REMOVE_PENDING, "remove-pending"},
    {FT_PNP_SURPRISE_REMOVED, "surprise-removed"},
    {FT_PNP_REMOVED, "removed"},
};

enum { MAJOR_POWER = 0x16, MAJOR_PNP = 0x1B };

static const struct name_row major_names[] = {
    {0x00, "CREATE"},
    {0x01, "CREATE_NAMED_PIPE"},
    {0x02, "CLOSE"},
    {0x03, "READ"},
    {0x04, "WRITE"},
    {0x05, "QUERY_INFORMATION"},
    {0x06, "SET_INFORMATION"},
    {0x07, "QUERY_EA"},
    {0x08, "SET_EA"},
    {0x09, "FLUSH_BUFFERS"},
    {0x0A, "QUERY_VOLUME_INFORMATION"},
    {0x0B, "SET_VOLUME_INFORMATION"},
    {0x0C, "DIRECTORY_CONTROL"},
    {0x0D, "FILE_SYSTEM_CONTROL"},
    {0x0E, "DEVICE_CONTROL"},
    {0x0F, "INTERNAL_DEVICE_CONTROL"},
    {0x10, "SHUTDOWN"},
    {0x11, "LOCK_CONTROL"},
    {0x12, "CLEANUP"},
    {0x13, "CREATE_MAILSLOT"},
    {0x14, "QUERY_SECURITY"},
    {0x15, "SET_SECURITY"},
    {MAJOR_POWER, "POWER"},
    {0x17, "SYSTEM_CONTROL"},
    {0x18, "DEVICE_CHANGE"},
    {0x19, "QUERY_QUOTA"},
    {0x1A, "SET_QUOTA"},
    {MAJOR_PNP, "PNP"},
};

static const struct name_row power_minor_names[] = {
    {0, "WAIT_WAKE"}, {1, "POWER_SEQUENCE"}, {2, "SET_POWER"}, {3, "QUERY_POWER"}};

static const struct name_row pnp_minor_names[] = {
    {0x00, "START_DEVICE"},
    {0x01, "QUERY_REMOVE_DEVICE"},
    {0x02, "REMOVE_DEVICE"},
    {0x03, "CANCEL_REMOVE_DEVICE"},
    {0x04, "STOP_DEVICE"},
    {0x05, "QUERY_STOP_DEVICE"},
    {0x06, "CANCEL_STOP_DEVICE"},
    {0x07, "QUERY_DEVICE_RELATIONS"},
    {0x08, "QUERY_INTERFACE"},
    {0x09, "QUERY_CAPABILITIES"},
    {0x0A, "QUERY_RESOURCES"},
    {0x0B, "QUERY_RESOURCE_REQUIREMENTS"},
    {0x0C, "QUERY_DEVICE_TEXT"},
    {0x0D, "FILTER_RESOURCE_REQUIREMENTS"},
    {0x0F, "READ_CONFIG"},
    {0x10, "WRITE_CONFIG"},
    {0x11, "EJECT"},
    {0x12, "SET_LOCK"},
    {0x13, "QUERY_ID"},
    {0x14, "QUERY_PNP_DEVICE_STATE"},
    {0x15, "QUERY_BUS_INFORMATION"},
    {0x16, "DEVICE_USAGE_NOTIFICATION"},
    {0x17, "SURPRISE_REMOVAL"},
};

static const struct name_row layer_names[] = {
    {FT_LAYER_DRIVER, "driver"}, {FT_LAYER_FRAMEWORK, "framework"}, {FT_LAYER_PORT, "port"},
    {FT_LAYER_SYSTEM, "system"}, {FT_LAYER_DEVICE, "device"},       {FT_LAYER_HARNESS, "harness"},
};
_Static_assert(sizeof(layer_names) / sizeof(layer_names[0]) == FT_LAYER_COUNT, "name every layer");

static const struct name_row class_names[] = {
#define HC(number, symbol, name) {number, name},
    FT_HANDLE_CLASSES(HC)
#undef HC
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        rows, sizeof(rows) / sizeof((rows)[0])                                                     \
    }
static const struct name_table layers = TABLE(layer_names);
static const struct name_table classes = TABLE(class_names);
static const struct name_table majors = TABLE(major_names);
static const struct name_table power_minors = TABLE(power_minor_names);
static const struct name_table pnp_minors = TABLE(pnp_minor_names);

/* Types with a plain table; the others have count 0. */
static const struct name_table plain[FT_ARG_TYPE_COUNT] = {
    [FT_ARG_BOOL] = TABLE(bool_names),   [FT_ARG_STATUS] = TABLE(status_names),
    [FT_ARG_IRQL] = TABLE(irql_names),   [FT_ARG_ROUTINE] = TABLE(routine_names),
    [FT_ARG_PNP] = TABLE(pnp_names),     [FT_ARG_TASK_KIND] = TABLE(task_kind_names),
    [FT_ARG_POWER] = TABLE(power_names), [FT_ARG_ACTION] = TABLE(action_names),
};
#undef TABLE

static const char *find_name(const struct name_table *table, uint64_t number)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->row[i].number == number) {
            return table->row[i].name;
        }
    }
    return NULL;
}

/* True when the token is the name as hyphenate writes it. */
static bool token_is(const char *name, const char *token, size_t length)
{
    if (strlen(name) != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((name[i] == ' ' ? '-' : name[i]) != token[i]) {
            return false;
        }
    }
    return true;
}

static bool find_number(const struct name_table *table, const char *token, size_t length,
                        uint64_t *ret)
{
    for (size_t i = 0; i < table->count; i++) {
        if (token_is(table->row[i].name, token, length)) {
            *ret = table->row[i].number;
            return true;
        }
    }
    return false;
}

static void hyphenate(char *text, size_t capacity)
{
    for (size_t i = 0; i < capacity && text[i] != '\0'; i++) {
        if (text[i] == ' ') {
            text[i] = '-';
        }
    }
}

/* Minors have names where the major gives them a meaning: PnP and power. */
static const struct name_table *minors_of(uint64_t major)
{
    return major == MAJOR_PNP ? &pnp_minors : major == MAJOR_POWER ? &power_minors : NULL;
}

static size_t major_name(uint64_t value, char *text, size_t capacity)
{
    const char *major = find_name(&majors, value >> 8);
    const struct name_table *minors = minors_of(value >> 8);
    const char *minor = minors != NULL ? find_name(minors, value & 0xFF) : NULL;

    if (major != NULL && minor != NULL) {
        return (size_t)snprintf(text, capacity, "%s:%s", major, minor);
    }
    if (major != NULL && minors == NULL && (value & 0xFF) == 0) {
        return (size_t)snprintf(text, capacity, "%s", major);
    }
    return 0;
}

static bool major_named(const char *name, size_t length, uint64_t *ret)
{
    const char *colon = memchr(name, ':', length);
    size_t major_length = colon != NULL ? (size_t)(colon - name) : length;
    uint64_t major;
    uint64_t minor = 0;

    if (!find_number(&majors, name, major_length, &major)) {
        return false;
    }
    if (colon != NULL) {
        const struct name_table *minors = minors_of(major);

        if (minors == NULL || !find_number(minors, colon + 1, length - major_length - 1, &minor)) {
            return false;
        }
    }
    *ret = major << 8 | minor;
    return true;
}

static bool op_named(const char *name, size_t length, uint64_t *ret)
{
    for (unsigned number = 0; number < 256; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        if (row != NULL && token_is(row->name, name, length)) {
            *ret = number;
            return true;
        }
    }
    return false;
}

size_t ft_value_name(enum ft_arg_type type, uint64_t value, char *text, size_t capacity)
{
    const struct ft_op_row *op;
    const char *name;
    size_t length;

    if (type == FT_ARG_MAJOR) {
        return major_name(value, text, capacity);
    }
    if (type == FT_ARG_OP) {
        op = value < 256 ? ft_op_row((unsigned)value) : NULL;
        return op != NULL ? (size_t)snprintf(text, capacity, "%s", op->name) : 0;
    }
    name = find_name(&plain[type], value);
    if (name == NULL) {
        return 0;
    }
    length = (size_t)snprintf(text, capacity, "%s", name);
    hyphenate(text, capacity);
    return length;
}

int ft_value_named(enum ft_arg_type type, const char *name, size_t length, uint64_t *ret)
{
    if (type == FT_ARG_MAJOR) {
        return major_named(name, length, ret);
    }
    if (type == FT_ARG_OP) {
        return op_named(name, length, ret);
    }
    return find_number(&plain[type], name, length, ret);
}

const char *ft_layer_name(unsigned layer)
{
    return find_name(&layers, layer);
}

int ft_layer_named(const char *name, size_t length)
{
    uint64_t number;

    return find_number(&layers, name, length, &number) ? (int)number : -1;
}

const char *ft_handle_class_name(unsigned handle_class)
{
    return find_name(&classes, handle_class);
}

unsigned ft_handle_class_named(const char *name, size_t length)
{
    uint64_t number;

    return find_number(&classes, name, length, &number) ? (unsigned)number : 0;
}
