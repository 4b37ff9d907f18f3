/* A driver and a device of the framework for tests of what hangs below them, made by hand: no
 * EvtDriverDeviceAdd, no PnP. A test's body calls ob_begin first. */
#ifndef FT_OBJECT_BENCH_H
#define FT_OBJECT_BENCH_H

#include "world_bench.h"

#include "kmdf/kmdf_private.h"

#include <string.h>

static const struct ft_wdf_class ob_driver_class = {.handle_class = FT_HC_WDF_DRIVER,
                                                    .undeletable = 1};
static const struct ft_wdf_class ob_device_class = {.handle_class = FT_HC_WDF_DEVICE, .passive = 1};

static inline WDFDEVICE ob_device(WDF_EXECUTION_LEVEL level, WDF_SYNCHRONIZATION_SCOPE scope)
{
    struct ft_wdf_device *device;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = level;
    attributes.SynchronizationScope = scope;
    device =
        ft_wdf_object_new(&ob_device_class, sizeof *device, FT_WDF->driver, &attributes, &status);
    CHECK(device != NULL);
    CHECK(IoCreateDevice(wb_driver_object(), 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                         &device->fdo) == STATUS_SUCCESS);
    return (WDFDEVICE)device;
}

/* The driver, and a device without a scope. */
static inline WDFDEVICE ob_begin(void)
{
    NTSTATUS status;

    FT_WDF->driver =
        ft_wdf_object_new(&ob_driver_class, sizeof(struct ft_wdf_object), NULL, NULL, &status);
    CHECK(FT_WDF->driver != NULL);
    return ob_device(WdfExecutionLevelInheritFromParent, WdfSynchronizationScopeInheritFromParent);
}

static inline WDF_OBJECT_ATTRIBUTES ob_below(PVOID parent)
{
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = parent;
    return attributes;
}

/* A general object below `parent`, NULL: below the driver. */
static inline WDFOBJECT ob_object(PVOID parent)
{
    WDF_OBJECT_ATTRIBUTES attributes = ob_below(parent);
    WDFOBJECT object;

    CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
    return object;
}

/* The run must stop with bug check 0x10D and these parameters. */
static inline void ob_violates(void (*body)(void), enum ft_wdf_violation what)
{
    wb_body(body, FT_STOP_BUGCHECK);
    wb_check(wb_last(FT_EV_RUN_BUGCHECK)->arg[0] == 0x10D &&
                 wb_last(FT_EV_RUN_BUGCHECK)->arg[1] == what,
             "bug check 0x10D", __FILE__, __LINE__);
}

#endif
