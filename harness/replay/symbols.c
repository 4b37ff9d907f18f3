/* Call sites to functions and lines, through the debug information of this program and its modules (libdw). */
#include "replay/execute.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
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
    if (dwfl && (dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL))) {
        dwfl_end(dwfl);
        dwfl = NULL;
    }
    return dwfl;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The compilation unit is looked for by its ranges: clang writes no .debug_aranges. */
static const char *source_line(Dwfl_Module *where, Dwarf_Addr address, int *number)
{
    Dwarf_Die *unit = NULL;
    Dwarf_Addr bias;

    while ((unit = dwfl_module_nextcu(where, unit, &bias))) {
        Dwarf_Line *line;

        if (dwarf_haspc(unit, address - bias) <= 0)
            continue;
        line = dwarf_getsrc_die(unit, address - bias);
        if (line && dwarf_lineno(line, number) == 0)
            return dwarf_linesrc(line, NULL, NULL);
    }
    return NULL;
}

void ft_site_resolve(const struct ft_module *module, uint64_t site, char *text, size_t capacity)
{
    /* A site is a return address: one byte before lies inside the call. */
    Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)module->code_begin + site - 1;
    Dwfl *dwfl = site ? session() : NULL;
    Dwfl_Module *where = dwfl ? dwfl_addrmodule(dwfl, address) : NULL;
    const char *function = where ? dwfl_module_addrname(where, address) : NULL;
    int number = 0;
    const char *file = where ? source_line(where, address, &number) : NULL;

    if (!site)
        text[0] = '\0';
    else if (file)
        snprintf(text, capacity, "%s:%s:%d", base_name(file), function ? function : "?", number);
    else
        snprintf(text, capacity, "%s+0x%llx", module->core, (unsigned long long)site);
}
