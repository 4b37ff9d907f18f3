/* Call sites to functions and lines, through the debug information of this program and its modules
 * (libdw). */
#include "replay/execute.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Dwfl *session(void)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo};
    static Dwfl *dwfl;

    if (dwfl)
        return dwfl;
    dwfl = dwfl_begin(&callbacks);
    if (dwfl &&
        (dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL))) {
        dwfl_end(dwfl);
        dwfl = NULL;
    }
    return dwfl;
}

/* A module that was loaded after the first look is found at the second. */
static Dwfl_Module *module_at(Dwarf_Addr address)
{
    Dwfl *dwfl = session();
    Dwfl_Module *where = dwfl ? dwfl_addrmodule(dwfl, address) : NULL;

    if (!dwfl || where)
        return where;
    dwfl_report_begin_add(dwfl);
    dwfl_linux_proc_report(dwfl, getpid());
    dwfl_report_end(dwfl, NULL, NULL);
    return dwfl_addrmodule(dwfl, address);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Where a call stands in the sources. Strings belong to the debug information. */
struct place {
    const char *file;
    const char *function;
    int line;
};

static bool is_function(Dwarf_Die *die)
{
    return dwarf_tag(die) == DW_TAG_inlined_subroutine || dwarf_tag(die) == DW_TAG_subprogram;
}

/* libdw does not look into namespaces for what holds an address. */
static const char *function_below(Dwarf_Die *parent, Dwarf_Addr address)
{
    Dwarf_Die child;
    bool more = dwarf_child(parent, &child) == 0;

    for (; more; more = dwarf_siblingof(&child, &child) == 0) {
        bool holds = dwarf_haspc(&child, address) > 0;
        const char *name = NULL;

        if (holds || dwarf_tag(&child) == DW_TAG_namespace)
            name = function_below(&child, address);
        if (!name && holds && is_function(&child))
            name = dwarf_diename(&child);
        if (name)
            return name;
    }
    return NULL;
}

/* The function that the source says, also where the compiler put it into its caller: a finding has
 * the same function under every compiler and option. */
static const char *innermost_function(Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Die *scope = NULL;
    int count = dwarf_getscopes(unit, address, &scope);
    const char *name = NULL;

    for (int i = 0; i < count && !name; i++)
        if (is_function(&scope[i]))
            name = dwarf_diename(&scope[i]);
    free(scope);
    return name ? name : function_below(unit, address);
}

/* The compilation units of the driver that was asked for last: the program holds every mutant of
 * every core, some thousand units, and a driver a dozen. */
static struct {
    const unsigned char *code; /* of which module */
    Dwarf_Die **unit;
    size_t count, capacity;
    Dwarf_Addr bias;
} units;

static bool meets_code(Dwarf_Die *unit, Dwarf_Addr begin, Dwarf_Addr end)
{
    Dwarf_Addr base, from, to;
    ptrdiff_t at = 0;

    while ((at = dwarf_ranges(unit, at, &base, &from, &to)) > 0)
        if (from < end && begin < to)
            return true;
    return false;
}

static void keep_unit(Dwarf_Die *unit)
{
    if (units.count == units.capacity) {
        size_t capacity = units.capacity ? 2 * units.capacity : 32;
        Dwarf_Die **more = realloc(units.unit, capacity * sizeof(Dwarf_Die *));

        if (!more)
            return;
        units.unit = more;
        units.capacity = capacity;
    }
    units.unit[units.count++] = unit;
}

/* Looked for by their ranges: clang writes no .debug_aranges. */
static void find_units(const struct ft_module *module, Dwfl_Module *where)
{
    Dwarf_Die *unit = NULL;
    Dwarf_Addr bias;

    if (units.code == module->code_begin)
        return;
    units.code = module->code_begin;
    units.count = 0;
    while ((unit = dwfl_module_nextcu(where, unit, &bias))) {
        units.bias = bias;
        if (meets_code(unit, (Dwarf_Addr)(uintptr_t)module->code_begin - bias,
                       (Dwarf_Addr)(uintptr_t)module->code_end - bias))
            keep_unit(unit);
    }
}

static bool find_place(const struct ft_module *module, Dwfl_Module *where, Dwarf_Addr address,
                       struct place *ret)
{
    find_units(module, where);
    for (size_t i = 0; i < units.count; i++) {
        Dwarf_Die *unit = units.unit[i];
        Dwarf_Line *line;

        if (dwarf_haspc(unit, address - units.bias) <= 0)
            continue;
        line = dwarf_getsrc_die(unit, address - units.bias);
        if (!line || dwarf_lineno(line, &ret->line) != 0)
            continue;
        ret->file = dwarf_linesrc(line, NULL, NULL);
        ret->function = innermost_function(unit, address - units.bias);
        return ret->file != NULL;
    }
    return false;
}

static void look_up(const struct ft_module *module, uint64_t site, char *text, size_t capacity)
{
    /* A site is a return address: one byte before lies inside the call. */
    Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)module->code_begin + site - 1;
    Dwfl_Module *where = module_at(address);
    struct place place = {0};

    if (where && find_place(module, where, address, &place))
        snprintf(text, capacity, "%s:%s:%d", base_name(place.file),
                 place.function ? place.function : "?", place.line);
    else
        snprintf(text, capacity, "%s+0x%llx", module->core, (unsigned long long)site);
}

/* A driver has some hundred sites, a process that makes many traces asks for each many times. */
enum { REMEMBERED = 1 << 14 };

static struct remembered {
    uintptr_t address; /* 0: free */
    char *text;
} remembered[REMEMBERED];

/* The slot of that address, or a free one; NULL: the table is full of others. */
static struct remembered *slot_of(uintptr_t address)
{
    size_t first = (address * 0x9E3779B97F4A7C15ULL) >> 50;

    for (size_t i = 0; i < 64; i++) {
        struct remembered *slot = &remembered[(first + i) % REMEMBERED];

        if (slot->address == address || slot->address == 0)
            return slot;
    }
    return NULL;
}

void ft_site_resolve(const struct ft_module *module, uint64_t site, char *text, size_t capacity)
{
    uintptr_t address = (uintptr_t)module->code_begin + (uintptr_t)site;
    struct remembered *slot = site ? slot_of(address) : NULL;
    char found[FT_SOURCE_MAX];

    if (!site) {
        text[0] = '\0';
        return;
    }
    if (slot && slot->address) {
        snprintf(text, capacity, "%s", slot->text);
        return;
    }
    look_up(module, site, found, sizeof found);
    snprintf(text, capacity, "%s", found);
    if (slot && (slot->text = strdup(found)))
        slot->address = address;
}

/* ---- source files ---- */

struct sources {
    char (*name)[FT_SOURCE_MAX];
    size_t count, capacity;
};

static void add_source(struct sources *sources, const char *path)
{
    for (size_t i = 0; i < sources->count; i++)
        if (strcmp(sources->name[i], path) == 0)
            return;
    if (sources->count < sources->capacity && strlen(path) < FT_SOURCE_MAX)
        snprintf(sources->name[sources->count++], FT_SOURCE_MAX, "%s", path);
}

/* The source of a compilation unit, and what it includes from its own folder. */
static void add_unit(struct sources *sources, Dwarf_Die *unit)
{
    Dwarf_Files *files = NULL;
    const char *own = dwarf_diename(unit);
    size_t count = 0, folder = own ? (size_t)(base_name(own) - own) : 0;

    if (!own || dwarf_getsrcfiles(unit, &files, &count) != 0)
        return;
    add_source(sources, own);
    for (size_t i = 0; i < count; i++) {
        const char *path = dwarf_filesrc(files, i, NULL, NULL);

        if (path && folder && strncmp(path, own, folder) == 0)
            add_source(sources, path);
    }
}

size_t ft_module_sources(const struct ft_module *module, char (*ret)[FT_SOURCE_MAX],
                         size_t capacity)
{
    struct sources sources = {ret, 0, capacity};
    Dwarf_Addr begin = (Dwarf_Addr)(uintptr_t)module->code_begin;
    Dwarf_Addr end = (Dwarf_Addr)(uintptr_t)module->code_end;
    Dwfl *dwfl = session();
    Dwfl_Module *where = dwfl ? dwfl_addrmodule(dwfl, begin) : NULL;
    Dwarf_Die *unit = NULL;
    Dwarf_Addr bias;

    while (where && (unit = dwfl_module_nextcu(where, unit, &bias))) {
        Dwarf_Addr base, low, high;

        if (dwarf_ranges(unit, 0, &base, &low, &high) > 0 && low + bias >= begin &&
            low + bias < end)
            add_unit(&sources, unit);
    }
    return sources.count;
}
