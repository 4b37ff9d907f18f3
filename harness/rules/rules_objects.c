/* Objects in the state of the rules engine, found by the ids of their handles.
 *
 * Ids of a class count from 1, so an entry usually stands in the slot that its id modulo the table
 * size names; collisions go to the next free slot. A slot is free when it was never used or when
 * its object is over.
 */
#include "rules/rules_private.h"

#include <stddef.h>
#include <string.h>

/* The entry with that id, NULL when there is none. */
static void *find(void *table, size_t stride, unsigned count, uint32_t id)
{
    if (id == 0) {
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        struct ft_rs_head *head =
            (struct ft_rs_head *)(void *)((char *)table + (id + i) % count * stride);

        if (head->id == id) {
            return head;
        }
        if (head->id == 0) {
            return NULL;
        }
    }
    return NULL;
}

/* A zeroed entry for an id that has none yet; NULL when all slots hold live objects. */
static void *make(void *table, size_t stride, unsigned count, uint32_t id)
{
    for (unsigned i = 0; i < count; i++) {
        struct ft_rs_head *head =
            (struct ft_rs_head *)(void *)((char *)table + (id + i) % count * stride);

        if (head->id == 0 || (head->flags & FT_RS_OVER) != 0) {
            memset(head, 0, stride);
            head->id = id;
            return head;
        }
    }
    return NULL;
}

static void *get(struct ft_rules *rules, enum ft_rs_table name, void *table, size_t stride,
                 unsigned count, uint32_t id)
{
    void *entry = find(table, stride, count, id);

    if (entry == NULL && id != 0) {
        entry = make(table, stride, count, id);
        if (entry == NULL) {
            ft_rules_overflow(rules, name);
        }
    }
    return entry;
}

/* Moves the end of the used slots behind slot `index`. */
static void extend(uint16_t *end, ptrdiff_t index)
{
    if (index >= *end) {
        *end = (uint16_t)(index + 1);
    }
}

struct ft_rs_irp *ft_rs_irp_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->irp, sizeof(rules->irp[0]), FT_RS_IRPS, id);
}

struct ft_rs_irp *ft_rs_irp_get(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_irp *irp =
        get(rules, FT_RS_TABLE_IRP, rules->irp, sizeof(rules->irp[0]), FT_RS_IRPS, id);

    if (id > rules->irp_last) {
        rules->irp_last = id;
    }
    if (irp != NULL) {
        extend(&rules->irp_end, irp - rules->irp);
    }
    return irp;
}

struct ft_rs_mdl *ft_rs_mdl_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->mdl, sizeof(rules->mdl[0]), FT_RS_MDLS, id);
}

struct ft_rs_mdl *ft_rs_mdl_get(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_mdl *mdl =
        get(rules, FT_RS_TABLE_MDL, rules->mdl, sizeof(rules->mdl[0]), FT_RS_MDLS, id);

    if (mdl != NULL) {
        extend(&rules->mdl_end, mdl - rules->mdl);
    }
    return mdl;
}

struct ft_rs_mapping *ft_rs_mapping_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->mapping, sizeof(rules->mapping[0]), FT_RS_MAPPINGS, id);
}

struct ft_rs_mapping *ft_rs_mapping_get(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_mapping *mapping = get(rules, FT_RS_TABLE_MAPPING, rules->mapping,
                                        sizeof(rules->mapping[0]), FT_RS_MAPPINGS, id);

    if (mapping != NULL) {
        extend(&rules->mapping_end, mapping - rules->mapping);
    }
    return mapping;
}

struct ft_rs_grant *ft_rs_grant_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->grant, sizeof(rules->grant[0]), FT_RS_GRANTS, id);
}

struct ft_rs_grant *ft_rs_grant_get(struct ft_rules *rules, uint32_t id)
{
    return get(rules, FT_RS_TABLE_GRANT, rules->grant, sizeof(rules->grant[0]), FT_RS_GRANTS, id);
}

struct ft_rs_adapter *ft_rs_adapter_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->adapter, sizeof(rules->adapter[0]), FT_RS_ADAPTERS, id);
}

struct ft_rs_adapter *ft_rs_adapter_get(struct ft_rules *rules, uint32_t id)
{
    return get(rules, FT_RS_TABLE_ADAPTER, rules->adapter, sizeof(rules->adapter[0]),
               FT_RS_ADAPTERS, id);
}

struct ft_rs_common *ft_rs_common_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->common, sizeof(rules->common[0]), FT_RS_COMMONS, id);
}

struct ft_rs_common *ft_rs_common_get(struct ft_rules *rules, uint32_t id)
{
    return get(rules, FT_RS_TABLE_COMMON, rules->common, sizeof(rules->common[0]), FT_RS_COMMONS,
               id);
}

struct ft_rs_list *ft_rs_list_find(struct ft_rules *rules, uint32_t id)
{
    return find(rules->list, sizeof(rules->list[0]), FT_RS_LISTS, id);
}

struct ft_rs_list *ft_rs_list_get(struct ft_rules *rules, uint32_t id)
{
    return get(rules, FT_RS_TABLE_LIST, rules->list, sizeof(rules->list[0]), FT_RS_LISTS, id);
}

uint32_t ft_rs_mdl_id(const struct ft_event *event, unsigned index)
{
    uint64_t handle = event->arg[index];
    unsigned class_ = ft_handle_class(handle);

    /* An MDL in memory of the driver's own has the name of that memory. */
    return class_ == FT_HC_MDL || handle == 0 ? ft_handle_id(handle)
                                              : ft_handle_id(handle) | (uint32_t)class_ << 24;
}

bool ft_rs_irp_is_complete(struct ft_rules *rules, uint32_t id)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, id);

    /* A slot is taken over only when its IRP was done. */
    return irp != NULL ? (irp->flags & (FT_IRP_COMPLETED | FT_IRP_DONE)) != 0
                       : id != 0 && id <= rules->irp_last;
}

uint32_t ft_rs_mdl_owner(struct ft_rules *rules, uint32_t id)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);

    return mdl != NULL ? mdl->irp : 0;
}

struct ft_rs_device *ft_rs_device(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_device *reuse = NULL;
    unsigned i = 1;

    if (id == 0) {
        return &rules->device[0];
    }
    for (; i < FT_RS_DEVICES && rules->device[i].id != 0; i++) {
        if (rules->device[i].id == id) {
            return &rules->device[i];
        }
        if (reuse == NULL && (rules->device[i].flags & FT_DEVICE_DELETED) != 0) {
            reuse = &rules->device[i];
        }
    }
    /* A deleted device gives its slot away only when there is no fresh one: late events may still
     * name it. */
    if (i < FT_RS_DEVICES) {
        reuse = &rules->device[i];
    }
    if (reuse == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_DEVICE);
        return &rules->device[0];
    }
    memset(reuse, 0, sizeof(*reuse));
    reuse->id = (uint16_t)id;
    return reuse;
}

static struct ft_rs_device *bottom_of(struct ft_rules *rules, struct ft_rs_device *device)
{
    for (unsigned depth = 0; device->below != 0 && depth < FT_RS_DEVICES; depth++) {
        device = ft_rs_device(rules, device->below);
    }
    return device;
}

/* The bottom of the only stack that has a device of the driver, NULL when there are none or
 * several. A driver may have two devices in one stack: a filter above its function device. */
static struct ft_rs_device *only_root(struct ft_rules *rules)
{
    struct ft_rs_device *only = NULL;

    for (unsigned i = 1; i < FT_RS_DEVICES && rules->device[i].id != 0; i++) {
        struct ft_rs_device *device = &rules->device[i];

        if ((device->flags & FT_DEVICE_ATTACHED) != 0 && (device->flags & FT_DEVICE_DELETED) == 0) {
            device = bottom_of(rules, device);
            if (only != NULL && only != device) {
                return NULL;
            }
            only = device;
        }
    }
    return only;
}

struct ft_rs_device *ft_rs_root(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_device *only = id == 0 ? only_root(rules) : NULL;

    return only != NULL ? only : bottom_of(rules, ft_rs_device(rules, id));
}

bool ft_rs_same_device(struct ft_rules *rules, uint32_t a, uint32_t b)
{
    if (a == 0 || b == 0) {
        return rules->driver_devices <= 1 || only_root(rules) != NULL;
    }
    return ft_rs_root(rules, a) == ft_rs_root(rules, b);
}
