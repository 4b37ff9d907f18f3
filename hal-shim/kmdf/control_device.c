/* Control devices: named device objects in no stack, which the driver makes and deletes. They get
 * I/O and shutdown notifications, no PnP and no power. */
#include "kmdf/pnp_private.h"

/* Who may open it is not modelled; the string must be there. */
PWDFDEVICE_INIT WdfControlDeviceInitAllocate(WDFDRIVER Driver, CONST UNICODE_STRING *SDDLString)
{
    struct ft_wdf_driver *driver;
    ft_wdf_init *init = NULL;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    driver = ft_wdf_check(Driver, FT_HC_WDF_DRIVER);
    ft_wdf_require(SDDLString);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        init = ft_wdf_init_new(driver, NULL);
    FT_WDF_END(WDF_DEVICE, 0);
    return init;
}

VOID WdfControlDeviceInitSetShutdownNotification(PWDFDEVICE_INIT DeviceInit,
                                                 PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION Notification,
                                                 UCHAR Flags)
{
    ft_wdf_init *init;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    init = ft_wdf_init_check(DeviceInit);
    ft_wdf_require((void *)Notification);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL) && ft_wdf_init_is_control(init)) {
        init->shutdown = Notification;
        init->shutdown_flags = Flags;
    }
    FT_WDF_END(WDF_DEVICE, 0);
}

/* Before this the device refuses to be opened. */
VOID WdfControlFinishInitializing(WDFDEVICE Device)
{
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL) && !device->pdo) {
        device->add_over = 1;
        device->fdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    }
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
}
