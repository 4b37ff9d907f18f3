/* Controller objects (nf-ntddk-iocreatecontroller and its relatives): several device objects share
 * a controller, which one of them has at a time. A device waits with its own wait block, so it can
 * wait for one controller only.
 */
#include "io/io_private.h"

enum { CREATED = 1, ASKED, GRANTED, FREED, DELETED };

PCONTROLLER_OBJECT IoCreateController(ULONG Size)
{
    PCONTROLLER_OBJECT controller;

    FT_DDI_BEGIN(CONTROLLER, 0);
    controller = ft_block_for_driver(sizeof *controller + Size, FT_HC_OTHER, 0);
    if (controller) {
        controller->Type = IO_TYPE_CONTROLLER;
        controller->Size = (CSHORT)sizeof *controller;
        controller->ControllerExtension = controller + 1;
        ft_queue_reset(&controller->DeviceWaitQueue);
    }
    ft_emit(FT_EV_CONTROLLER, CREATED, false);
    FT_DDI_END(CONTROLLER, 0);
    return controller;
}

VOID IoDeleteController(PCONTROLLER_OBJECT ControllerObject)
{
    FT_DDI_BEGIN(CONTROLLER, 0);
    ft_emit(FT_EV_CONTROLLER, DELETED, ControllerObject->DeviceWaitQueue.Busy != 0);
    ft_block_free(ControllerObject);
    FT_DDI_END(CONTROLLER, 0);
}

static uint64_t call_control(void *device, void *irp, void *routine, void *context)
{
    return (uint32_t)((PDRIVER_CONTROL)routine)(device, irp, NULL, context);
}

/* Gives the controller to devices until one keeps it or none waits. */
static void grant(PCONTROLLER_OBJECT controller, PDEVICE_OBJECT device)
{
    while (device) {
        PWAIT_CONTEXT_BLOCK wait = &device->Queue.Wcb;
        PKDEVICE_QUEUE_ENTRY next;

        ft_emit(FT_EV_CONTROLLER, GRANTED, true);
        if ((IO_ALLOCATION_ACTION)ft_call_driver_routine(
                FT_ROUTINE_CONTROLLER_CONTROL, ft_handle_of(device), 0, 0, call_control, device,
                device->CurrentIrp, (void *)wait->DeviceRoutine, wait->DeviceContext) == KeepObject)
            return;
        next = ft_queue_remove(&controller->DeviceWaitQueue, NULL);
        device = next ? CONTAINING_RECORD(next, DEVICE_OBJECT, Queue.Wcb.WaitQueueEntry) : NULL;
    }
}

VOID IoAllocateController(PCONTROLLER_OBJECT ControllerObject, PDEVICE_OBJECT DeviceObject,
                          PDRIVER_CONTROL ExecutionRoutine, PVOID Context)
{
    PWAIT_CONTEXT_BLOCK wait = &DeviceObject->Queue.Wcb;
    bool busy;

    FT_DDI_BEGIN(CONTROLLER, 0);
    wait->DeviceRoutine = ExecutionRoutine;
    wait->DeviceContext = Context;
    busy = ft_queue_insert(&ControllerObject->DeviceWaitQueue, &wait->WaitQueueEntry, NULL);
    ft_emit(FT_EV_CONTROLLER, ASKED, busy);
    if (!busy)
        grant(ControllerObject, DeviceObject);
    FT_DDI_END(CONTROLLER, 0);
}

VOID IoFreeController(PCONTROLLER_OBJECT ControllerObject)
{
    PKDEVICE_QUEUE_ENTRY next;

    FT_DDI_BEGIN(CONTROLLER, 0);
    ft_emit(FT_EV_CONTROLLER, FREED, ControllerObject->DeviceWaitQueue.Busy != 0);
    next = ft_queue_remove(&ControllerObject->DeviceWaitQueue, NULL);
    if (next)
        grant(ControllerObject, CONTAINING_RECORD(next, DEVICE_OBJECT, Queue.Wcb.WaitQueueEntry));
    FT_DDI_END(CONTROLLER, 0);
}
