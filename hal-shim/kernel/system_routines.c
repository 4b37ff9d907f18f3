/* MmGetSystemRoutineAddress: the routines of the shim by name, those that the simulated Windows
 * has. */
#include "world/machine.h"

#include <ntddk.h>

static const struct {
    const char *name;
    unsigned since;
    void (*routine)(void);
} routines[] = {
#define ROUTINE(since, name) {#name, since, (void (*)(void))(name)},
#include "kernel/system_routines.def"
#undef ROUTINE
};

static bool is_name(const UNICODE_STRING *string, const char *name)
{
    unsigned count = string->Length / sizeof(WCHAR), i = 0;

    while (i < count && name[i] && string->Buffer[i] == (WCHAR)name[i])
        i++;
    return i == count && !name[i];
}

/* NULL for a name that is not known, and for a routine that this Windows does not have. */
PVOID MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    unsigned windows = ft_world_module()->description->windows;

    for (unsigned i = 0; i < sizeof routines / sizeof *routines; i++)
        if (is_name(SystemRoutineName, routines[i].name))
            return routines[i].since <= windows ? (PVOID)(ULONG_PTR)routines[i].routine : NULL;
    return NULL;
}
