/* WMI providers and instances of a device: what their files share. */
#ifndef FT_KMDF_WMI_H
#define FT_KMDF_WMI_H

#include "kmdf/pnp_private.h"

#include <wmistr.h>

enum ft_wdf_wmi_state { FT_WDF_WMI_NEW, FT_WDF_WMI_ON, FT_WDF_WMI_OFF, FT_WDF_WMI_OVER };

struct ft_wdf_wmi_instance {
    struct ft_wdf_object object;
    struct ft_wdf_wmi_provider *provider;
    struct ft_wdf_wmi_instance *next; /* of the provider's that are registered */
    WDF_WMI_INSTANCE_CONFIG config;
    ULONG context_bytes; /* with UseContextForQuery */
    uint8_t registered;
};

struct ft_wdf_wmi_provider {
    struct ft_wdf_object object;
    struct ft_wdf_wmi_provider *next;      /* of the device's */
    struct ft_wdf_wmi_instance *instances; /* in the order of registering */
    WDF_WMI_PROVIDER_CONFIG config;
    ULONGLONG tracing;   /* handle of the consumer */
    uint8_t listed;      /* it is the device's one with that GUID */
    uint8_t enabled[2];  /* events, instances */
    uint8_t remove_guid; /* the next registration takes its GUID back */
};

/* Something has changed that WMI should know; <= DISPATCH_LEVEL. */
void ft_wdf_wmi_update(struct ft_wdf_pnp *pnp);
struct ft_wdf_wmi_provider *ft_wdf_wmi_provider_of(WDFWMIPROVIDER handle);
NTSTATUS ft_wdf_wmi_make(struct ft_wdf_device *device, const WDF_WMI_PROVIDER_CONFIG *config,
                         const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_wmi_provider **ret);
void ft_wdf_wmi_unmake(struct ft_wdf_wmi_provider *provider); /* one without instances */

ULONG ft_wdf_wmi_count(const struct ft_wdf_wmi_provider *provider);
struct ft_wdf_wmi_provider *ft_wdf_wmi_find(const struct ft_wdf_pnp *pnp, const GUID *guid);
/* wmi_irps.c: IRP_MJ_SYSTEM_CONTROL, under the remove lock. */
NTSTATUS ft_wdf_dispatch_wmi(struct ft_wdf_pnp *pnp, PIRP irp);

#endif
