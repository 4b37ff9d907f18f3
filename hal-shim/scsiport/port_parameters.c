/* What the registry says about adapters of this driver: values of Parameters\Device, which is for
 * all of them, and of Parameters\Device<n>, for the n-th, below the driver's service key (registry
 * entries for SCSI miniport drivers; scsiport.md, section 4.4).
 *
 * DriverParameter is the ArgumentString of HwScsiFindAdapter. DisableTaggedQueuing and
 * DisableMultipleRequests take back what the miniport offers, DisableSynchronousTransfers and
 * DisableDisconnects go with each request.
 */
#include "scsiport/adapter.h"

#include "io/io_private.h"
#include "kernel/registry.h"

#include <stdio.h>

enum { NAME_CHARS = 32 };

struct name {
    UNICODE_STRING string;
    WCHAR text[NAME_CHARS];
};

static void make_name(struct name *name, const char *text)
{
    USHORT length = 0;

    for (; text[length]; length++)
        name->text[length] = (WCHAR)text[length];
    name->string = (UNICODE_STRING){.Length = (USHORT)(length * sizeof(WCHAR)),
                                    .MaximumLength = sizeof name->text,
                                    .Buffer = name->text};
}

/* NULL: there is none of that type. */
static struct ft_value *value_of(const struct ft_key *key, const char *name, ULONG type)
{
    struct ft_value *value;
    struct name wide;

    make_name(&wide, name);
    value = ft_value_find(key, &wide.string);
    return value && value->type == type ? value : NULL;
}

static bool is_set(const struct ft_key *key, const char *name)
{
    struct ft_value *value = value_of(key, name, REG_DWORD);

    return value && value->bytes >= sizeof(ULONG) && *(ULONG *)ft_value_data(value) != 0;
}

static void read_argument(struct ft_scsi_config *config, const struct ft_key *key)
{
    struct ft_value *value = value_of(key, "DriverParameter", REG_SZ);
    const WCHAR *text;
    ULONG i, count;

    if (!value)
        return;
    text = ft_value_data(value);
    count = value->bytes / (ULONG)sizeof(WCHAR);
    for (i = 0; i < count && i < FT_SCSI_ARGUMENT_MAX - 1 && text[i]; i++)
        config->argument[i] = (CHAR)text[i];
    config->argument[i] = '\0';
    config->has_argument = true;
}

static void read_key(struct ft_scsi_config *config, const struct ft_key *key)
{
    config->no_tags |= is_set(key, "DisableTaggedQueuing");
    config->no_multiple |= is_set(key, "DisableMultipleRequests");
    if (is_set(key, "DisableSynchronousTransfers"))
        config->srb_flags |= SRB_FLAGS_DISABLE_SYNCH_TRANSFER;
    if (is_set(key, "DisableDisconnects"))
        config->srb_flags |= SRB_FLAGS_DISABLE_DISCONNECT;
    read_argument(config, key);
}

static void read_path(struct ft_scsi_config *config, struct ft_key *service, const char *path)
{
    struct name name;
    struct ft_key *key;
    unsigned missing;

    make_name(&name, path);
    key = ft_key_find(service, &name.string, &missing);
    if (key)
        read_key(config, key);
}

/* A registry that nobody has touched says nothing about adapters. */
void ft_scsi_parameters(const struct ft_scsi_adapter *adapter, struct ft_scsi_config *config)
{
    char path[NAME_CHARS];
    struct ft_key *service;
    unsigned missing;

    if (!FT_M->registry)
        return;
    service = ft_key_find(NULL, FT_IO->registry_path, &missing);
    if (!service)
        return;
    read_path(config, service, "Parameters\\Device");
    snprintf(path, sizeof path, "Parameters\\Device%u", (unsigned)adapter->number);
    read_path(config, service, path);
}
