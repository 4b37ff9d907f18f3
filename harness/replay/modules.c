/* The modules of this program: linked ones from the section ft_modules, and one loaded from a path.
 */
#include "replay/execute.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

extern const struct ft_module *const __start_ft_modules[] __attribute__((weak));
extern const struct ft_module *const __stop_ft_modules[] __attribute__((weak));

enum { LOADED_MAX = 8 };
static const struct ft_module *loaded[LOADED_MAX];
static size_t loaded_count;

static size_t linked_count(void)
{
    return (size_t)(__stop_ft_modules - __start_ft_modules);
}

size_t ft_module_count(void)
{
    return linked_count() + loaded_count;
}

const struct ft_module *ft_module_at(size_t index)
{
    return index < linked_count() ? __start_ft_modules[index] : loaded[index - linked_count()];
}

const struct ft_module *ft_module_find(const char *core, const char *mutant)
{
    for (size_t i = 0; i < ft_module_count(); i++) {
        const struct ft_module *module = ft_module_at(i);

        if (strcmp(module->core, core) == 0 && strcmp(module->mutant, mutant ? mutant : "") == 0)
            return module;
    }
    return NULL;
}

/* What its description asks for and nobody has built; NULL: nothing. */
static const char *refused_of(const struct ft_description *description)
{
    if (description->flags & FT_DRIVER_RAW_MMIO)
        return "registers without accessors (raw-mmio)";
    if (description->devices == 1)
        return NULL;
    if (description->devices != FT_DESCRIPTION_DEVICES_MAX)
        return "devices other than 1 or 2";
    if (description->model == FT_MODEL_SCSIPORT)
        return "two adapters of a SCSI miniport";
    if (description->flags & FT_DRIVER_LEGACY)
        return "two devices of a driver without AddDevice";
    if (description->dma_bits != 0)
        return "two devices on the system's DMA controller";
    if ((description->flags & FT_DRIVER_SHARED_LINE) &&
        description->interrupt != FT_INTERRUPT_LEVEL)
        return "a line that two devices share and that is not level-sensitive";
    return NULL;
}

enum ft_status ft_module_load(const char *path, const struct ft_module **ret,
                              struct ft_error *error)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct ft_module *module;
    const char *refused;

    if (!object)
        return ft_fail(error, FT_NO_DRIVER, 0, "%s", dlerror());
    module = dlsym(object, "ft_module");
    if (!module)
        return ft_fail(error, FT_NO_DRIVER, 0, "%s: no symbol ft_module; not a driver module",
                       path);
    if (module->abi != FT_MODULE_ABI)
        return ft_fail(error, FT_NO_DRIVER, 0, "%s: module interface %u, this program has %d", path,
                       module->abi, FT_MODULE_ABI);
    refused = refused_of(module->description);
    if (refused)
        return ft_fail(error, FT_NO_DRIVER, 0, "%s: not built yet: %s", path, refused);
    if (loaded_count == LOADED_MAX)
        return ft_fail(error, FT_USAGE, 0, "more than %d modules loaded", LOADED_MAX);
    loaded[loaded_count++] = module;
    *ret = module;
    return FT_OK;
}

/* Appends "key=value"; lines of fields that are zero in most descriptions are left out. */
static size_t append(char *text, size_t capacity, size_t used, const char *key, unsigned index,
                     uint32_t value)
{
    size_t at = used < capacity ? used : capacity;

    if (value == 0)
        return used;
    return used + (size_t)snprintf(text + at, capacity - at, index ? "%s%u=%u\n" : "%s%.0u=%u\n",
                                   key, index, value);
}

size_t ft_description_print(const struct ft_description *description, char *text, size_t capacity)
{
    static const char *const models[] = {"wdm", "kmdf", "scsi"};
    size_t used = (size_t)snprintf(
        text, capacity,
        "name=%s\nmodel=%s\ndevices=%u\nwindows=%u\ndma_version=%u\nkmdf_version=%u\n"
        "requests=%u\nirq_level=%u\nirq_vector=%u\nrequest_bytes_max=%u\nflags=%u\n",
        description->name, models[description->model % 3], description->devices,
        description->windows, description->dma_version, description->kmdf_version,
        description->requests, description->irq_level, description->irq_vector,
        description->request_bytes_max, description->flags);
    const struct {
        const char *key;
        uint32_t value;
    } more[] = {
        {"pci_id", description->pci_id},           {"pci_class", description->pci_class},
        {"port_base", description->port_base},     {"port_bytes", description->port_bytes},
        {"interrupt", description->interrupt},     {"messages", description->messages},
        {"dma_channel", description->dma_channel}, {"dma_bits", description->dma_bits},
        {"dma_lines", description->dma_lines},     {"dma_lines", description->dma_lines},
    };

    for (unsigned i = 0; i < FT_BARS_MAX; i++)
        if (description->bar_bytes[i])
            used = append(text, capacity, used, i ? "bar" : "bar0", i, description->bar_bytes[i]);
    for (unsigned i = 0; i < FT_CONTROLS_MAX && description->control[i]; i++)
        used = append(text, capacity, used, "control", i + 1, description->control[i]);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        used = append(text, capacity, used, more[i].key, 0, more[i].value);
    return used;
}
