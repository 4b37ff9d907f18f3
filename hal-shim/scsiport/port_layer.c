/* How SCSI Port is entered and left, and how it calls the miniport. */
#include "scsiport/scsiport_private.h"

/* The linker's names of the sections' bounds; weak, because they may be empty. */
extern const char __start_ft_port_code[] __attribute__((weak));
extern const char __stop_ft_port_code[] __attribute__((weak));
extern const char __start_ft_class_code[] __attribute__((weak));
extern const char __stop_ft_class_code[] __attribute__((weak));

bool ft_port_owns(const void *routine)
{
    const char *at = routine;

    return at >= __start_ft_port_code && at < __stop_ft_port_code;
}

bool ft_class_owns(const void *routine)
{
    const char *at = routine;

    return at >= __start_ft_class_code && at < __stop_ft_class_code;
}

void ft_scsi_point(enum ft_point point, unsigned label)
{
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);

    ft_point(point, label);
    ft_layer_set(layer);
}

uint64_t ft_scsi_srb_handle(const void *srb)
{
    uint64_t handle = ft_block_handle(srb);

    return ft_handle_class(handle) == FT_HC_SRB ? handle : 0;
}

unsigned ft_scsi_request_label(const struct ft_scsi_request *request)
{
    return request && request->irp ? ft_label_of(request->irp) : 0;
}

struct ft_scsi_adapter *ft_scsi_adapter_of(const void *extension)
{
    for (struct ft_scsi_adapter *a = FT_SCSI->adapters; a; a = a->next)
        if (a->extension == extension)
            return a;
    ft_bugcheck(0xF1, 0x1000, 0, 0, 0); /* SCSI_VERIFIER_DETECTED_VIOLATION: bad arguments */
}

/* ---- the miniport's routines ---- */

static uint8_t *routine_of_task(void)
{
    return FT_M->current == FT_NO_TASK ? NULL : &FT_SCSI->in_routine[FT_M->current];
}

enum ft_routine ft_scsi_routine(void)
{
    const uint8_t *routine = routine_of_task();

    return routine ? *routine : 0;
}

uint64_t ft_scsi_call(enum ft_routine routine, struct ft_scsi_adapter *adapter,
                      struct ft_scsi_request *request, ft_thunk *thunk, void *a, void *b, void *c,
                      void *d)
{
    uint8_t *in = routine_of_task(), before = *in;
    unsigned irp = request ? ft_handle_id(ft_handle_of(request->irp)) : 0;
    uint64_t value;

    *in = (uint8_t)routine;
    value =
        ft_call_driver_routine(routine, ft_block_handle(adapter->fdo), 0, irp, thunk, a, b, c, d);
    *in = before;
    return value;
}

struct call {
    ft_thunk *thunk;
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_request *request;
    void *argument[4];
    uint64_t value;
    enum ft_routine routine;
};

FT_PORT_ROUTINE
static BOOLEAN NTAPI run_call(PVOID context)
{
    struct call *call = context;

    call->value =
        ft_scsi_call(call->routine, call->adapter, call->request, call->thunk, call->argument[0],
                     call->argument[1], call->argument[2], call->argument[3]);
    return TRUE;
}

uint64_t ft_scsi_call_synchronized(enum ft_routine routine, struct ft_scsi_adapter *adapter,
                                   struct ft_scsi_request *request, ft_thunk *thunk, void *a,
                                   void *b, void *c, void *d)
{
    struct call call = {.thunk = thunk,
                        .adapter = adapter,
                        .request = request,
                        .argument = {a, b, c, d},
                        .routine = routine};
    KIRQL irql;

    if (adapter->interrupt) {
        KeSynchronizeExecution(adapter->interrupt, run_call, &call);
    } else {
        KeRaiseIrql(adapter->irql, &irql);
        run_call(&call);
        KeLowerIrql(irql);
    }
    return call.value;
}
