/* A bus driver's children for tests that send the PnP manager's requests themselves, on top of the
 * bench for KMDF drivers: requests, and a child whose callbacks note their names ("child-prepare",
 * "child-release", "lock:1", "eject", "missing", "child-gone").
 */
#ifndef FT_CHILD_BENCH_H
#define FT_CHILD_BENCH_H

#include "wdf_bench.h"

/* A PnP request from a test. Parameters are set in the next stack location between the two. */
PIRP child_begin(PDEVICE_OBJECT device, UCHAR minor, PKEVENT done);
NTSTATUS child_end(PDEVICE_OBJECT device, PIRP irp, PKEVENT done);
/* One without parameters. */
NTSTATUS child_send(PDEVICE_OBJECT device, UCHAR minor);
extern IO_STATUS_BLOCK child_result; /* of the last request */

/* QUERY_DEVICE_RELATIONS: the answer, pool with references. */
PDEVICE_RELATIONS child_ask(PDEVICE_OBJECT device, DEVICE_RELATION_TYPE type, NTSTATUS expected);
/* Bus relations of that device: so many, the first of them returned. */
PDEVICE_OBJECT child_list_of(WDFDEVICE device, ULONG count);

/* Makes the child that the init describes. It does not depend on its parent's power, so that it can
 * be started while the parent starts. */
WDFDEVICE child_make_from(PWDFDEVICE_INIT init);
extern NTSTATUS child_lock_answer; /* of EvtDeviceSetLock */

#endif
