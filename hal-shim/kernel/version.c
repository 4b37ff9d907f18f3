/* Which Windows this is: the driver description says it, in many spellings. */
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

struct release {
    uint8_t code; /* ft_description.windows */
    uint8_t major, minor;
    uint8_t wdm_major, wdm_minor; /* of IoIsWdmVersionAvailable */
    uint16_t build;
};

/* The last build of each, with its last service pack inside. */
static const struct release releases[] = {{50, 5, 0, 1, 0x10, 2195}, {51, 5, 1, 1, 0x20, 2600},
                                          {52, 5, 2, 1, 0x30, 3790}, {60, 6, 0, 6, 0x00, 6002},
                                          {61, 6, 1, 6, 0x00, 7601}, {62, 6, 2, 6, 0x00, 9200},
                                          {63, 6, 3, 6, 0x00, 9600}, {100, 10, 0, 6, 0x00, 19045}};

/* The newest that is not newer than what the description says. */
static const struct release *this_one(void)
{
    unsigned code = ft_world_module()->description->windows;
    const struct release *found = &releases[0];

    for (unsigned i = 0; i < sizeof releases / sizeof *releases; i++)
        if (releases[i].code <= code)
            found = &releases[i];
    return found;
}

NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    enum { PLATFORM_NT = 2, WORKSTATION = 1 };
    const struct release *release = this_one();
    ULONG size = VersionInformation->dwOSVersionInfoSize;

    if (size != sizeof(RTL_OSVERSIONINFOW) && size != sizeof(RTL_OSVERSIONINFOEXW))
        return STATUS_INVALID_PARAMETER;
    memset(VersionInformation, 0, size);
    VersionInformation->dwOSVersionInfoSize = size;
    VersionInformation->dwMajorVersion = release->major;
    VersionInformation->dwMinorVersion = release->minor;
    VersionInformation->dwBuildNumber = release->build;
    VersionInformation->dwPlatformId = PLATFORM_NT;
    if (size == sizeof(RTL_OSVERSIONINFOEXW))
        ((PRTL_OSVERSIONINFOEXW)VersionInformation)->wProductType = WORKSTATION;
    return STATUS_SUCCESS;
}

/* Never a checked build. */
BOOLEAN PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                     PUNICODE_STRING CSDVersion)
{
    const struct release *release = this_one();

    if (MajorVersion)
        *MajorVersion = release->major;
    if (MinorVersion)
        *MinorVersion = release->minor;
    if (BuildNumber)
        *BuildNumber = release->build;
    if (CSDVersion)
        memset(CSDVersion, 0, sizeof *CSDVersion);
    return FALSE;
}

BOOLEAN IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion)
{
    const struct release *release = this_one();

    return release->wdm_major > MajorVersion ||
           (release->wdm_major == MajorVersion && release->wdm_minor >= MinorVersion);
}

/* Versions with a service pack are not this routine's. */
BOOLEAN RtlIsNtDdiVersionAvailable(ULONG Version)
{
    const struct release *release = this_one();

    if (Version & SPVERSION_MASK)
        return FALSE;
    return ((ULONG)release->major << 24 | (ULONG)release->minor << 16 | 0xFF) >= Version;
}

/* ---- comparing with a condition mask ---- */

enum { BITS_A_CONDITION = 3, FIELDS = 8, MINOR = 0, MAJOR = 1, BUILD = 2 };

ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition)
{
    for (unsigned i = FIELDS; i-- > 0;)
        if (TypeMask & 1u << i)
            return ConditionMask | (ULONGLONG)(Condition & 7) << (BITS_A_CONDITION * i);
    return ConditionMask;
}

static unsigned condition_of(ULONGLONG mask, unsigned field)
{
    return (unsigned)(mask >> (BITS_A_CONDITION * field)) & 7;
}

static bool holds(ULONG ours, ULONG wanted, unsigned condition)
{
    switch (condition) {
    case VER_EQUAL:
        return ours == wanted;
    case VER_GREATER:
        return ours > wanted;
    case VER_GREATER_EQUAL:
        return ours >= wanted;
    case VER_LESS:
        return ours < wanted;
    case VER_LESS_EQUAL:
        return ours <= wanted;
    default:
        return false;
    }
}

/* Major and minor number count as one: the minor is compared only where the major ones are equal.
 */
static bool numbers_hold(const RTL_OSVERSIONINFOEXW *wanted, ULONG types, ULONGLONG mask)
{
    const struct release *ours = this_one();

    if (!(types & VER_MAJORVERSION))
        return !(types & VER_MINORVERSION) ||
               holds(ours->minor, wanted->dwMinorVersion, condition_of(mask, MINOR));
    if (ours->major != wanted->dwMajorVersion || !(types & VER_MINORVERSION))
        return holds(ours->major, wanted->dwMajorVersion, condition_of(mask, MAJOR));
    return holds(ours->minor, wanted->dwMinorVersion, condition_of(mask, MINOR));
}

/* Not modelled: platform, service packs, suites and product types. */
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                              ULONGLONG ConditionMask)
{
    enum { KNOWN = VER_MINORVERSION | VER_MAJORVERSION | VER_BUILDNUMBER };

    if (TypeMask == 0 || ConditionMask == 0)
        return STATUS_INVALID_PARAMETER;
    if (TypeMask & ~(ULONG)KNOWN)
        ft_unimplemented("RtlVerifyVersionInfo of more than version and build");
    if (!numbers_hold(VersionInfo, TypeMask, ConditionMask))
        return STATUS_REVISION_MISMATCH;
    if ((TypeMask & VER_BUILDNUMBER) &&
        !holds(this_one()->build, VersionInfo->dwBuildNumber, condition_of(ConditionMask, BUILD)))
        return STATUS_REVISION_MISMATCH;
    return STATUS_SUCCESS;
}
