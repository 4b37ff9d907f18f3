/* Lists of resources: what EvtDevicePrepareHardware gets (WDFCMRESLIST), and what a driver may add
 * to its device's requirements (WDFIORESREQLIST, a list of WDFIORESLIST). Indices count from 0.
 * <= DISPATCH_LEVEL; PASSIVE_LEVEL for what adds to a list. */
#ifndef _WDFRESOURCE_H_
#define _WDFRESOURCE_H_

#include "wdfobject.h"

#define WDF_INSERT_AT_END ((ULONG)-1)

VOID WdfIoResourceRequirementsListSetSlotNumber(WDFIORESREQLIST RequirementsList, ULONG SlotNumber);
VOID WdfIoResourceRequirementsListSetInterfaceType(WDFIORESREQLIST RequirementsList,
                                                   INTERFACE_TYPE InterfaceType);
NTSTATUS WdfIoResourceRequirementsListAppendIoResList(WDFIORESREQLIST RequirementsList,
                                                      WDFIORESLIST IoResList);
NTSTATUS WdfIoResourceRequirementsListInsertIoResList(WDFIORESREQLIST RequirementsList,
                                                      WDFIORESLIST IoResList, ULONG Index);
ULONG WdfIoResourceRequirementsListGetCount(WDFIORESREQLIST RequirementsList);
WDFIORESLIST WdfIoResourceRequirementsListGetIoResList(WDFIORESREQLIST RequirementsList,
                                                       ULONG Index);
VOID WdfIoResourceRequirementsListRemove(WDFIORESREQLIST RequirementsList, ULONG Index);
VOID WdfIoResourceRequirementsListRemoveByIoResList(WDFIORESREQLIST RequirementsList,
                                                    WDFIORESLIST IoResList);

NTSTATUS WdfIoResourceListCreate(WDFIORESREQLIST RequirementsList,
                                 PWDF_OBJECT_ATTRIBUTES Attributes, WDFIORESLIST *ResourceList);
NTSTATUS WdfIoResourceListAppendDescriptor(WDFIORESLIST ResourceList,
                                           PIO_RESOURCE_DESCRIPTOR Descriptor);
NTSTATUS WdfIoResourceListInsertDescriptor(WDFIORESLIST ResourceList,
                                           PIO_RESOURCE_DESCRIPTOR Descriptor, ULONG Index);
VOID WdfIoResourceListUpdateDescriptor(WDFIORESLIST ResourceList,
                                       PIO_RESOURCE_DESCRIPTOR Descriptor, ULONG Index);
ULONG WdfIoResourceListGetCount(WDFIORESLIST ResourceList);
PIO_RESOURCE_DESCRIPTOR WdfIoResourceListGetDescriptor(WDFIORESLIST ResourceList, ULONG Index);
VOID WdfIoResourceListRemove(WDFIORESLIST ResourceList, ULONG Index);
VOID WdfIoResourceListRemoveByDescriptor(WDFIORESLIST ResourceList,
                                         PIO_RESOURCE_DESCRIPTOR Descriptor);

NTSTATUS WdfCmResourceListAppendDescriptor(WDFCMRESLIST List,
                                           PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor);
NTSTATUS WdfCmResourceListInsertDescriptor(WDFCMRESLIST List,
                                           PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, ULONG Index);
ULONG WdfCmResourceListGetCount(WDFCMRESLIST List);
/* NULL when the list has no such descriptor. */
PCM_PARTIAL_RESOURCE_DESCRIPTOR WdfCmResourceListGetDescriptor(WDFCMRESLIST List, ULONG Index);
VOID WdfCmResourceListRemove(WDFCMRESLIST List, ULONG Index);
VOID WdfCmResourceListRemoveByDescriptor(WDFCMRESLIST List,
                                         PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor);

#endif
