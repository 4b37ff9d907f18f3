/* Objects, locks, collections, strings, memory and deferred work (proofs_objects.def). */
#include "proof_bench.h"

#include <string.h>

typedef struct context {
    ULONG word;
} context;
WDF_DECLARE_CONTEXT_TYPE(context)

static WDF_OBJECT_ATTRIBUTES with_context_;

static PWDF_OBJECT_ATTRIBUTES with_context(void)
{
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&with_context_, context);
    return &with_context_;
}

/* A context of P_OBJECT. */
static struct context *context_made(void)
{
    struct context *made = NULL;

    CHECK(WdfObjectAllocateContext(P_OBJECT, with_context(), (PVOID *)&made) == STATUS_SUCCESS);
    return made;
}

/* What an object that is being disposed gets from the routine. */
static NTSTATUS dying_status;

static VOID ask_for_context(WDFOBJECT object)
{
    dying_status = WdfObjectAllocateContext(object, with_context(), NULL);
}

static NTSTATUS while_it_is_disposed(NTSTATUS (*routine)(WDFOBJECT, PWDF_OBJECT_ATTRIBUTES,
                                                         PVOID *))
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    (void)routine;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = ask_for_context;
    CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
    WdfObjectDelete(object);
    return dying_status;
}

static WDFOBJECT memory_made(void)
{
    WDFMEMORY memory = NULL;

    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 16, &memory, NULL) == STATUS_SUCCESS);
    return memory;
}

static WDFOBJECT object_below(WDFOBJECT parent)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object = NULL;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = parent;
    CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
    return object;
}

/* Attributes that give what this class of object has not. */
static WDF_OBJECT_ATTRIBUTES leveled_;

static PWDF_OBJECT_ATTRIBUTES with_level(WDF_EXECUTION_LEVEL level, WDF_SYNCHRONIZATION_SCOPE scope)
{
    WDF_OBJECT_ATTRIBUTES_INIT(&leveled_);
    leveled_.ExecutionLevel = level;
    leveled_.SynchronizationScope = scope;
    return &leveled_;
}

static WDFOBJECT collected(void)
{
    CHECK(WdfCollectionAdd(P_COLLECTION, P_OBJECT) == STATUS_SUCCESS);
    CHECK(WdfCollectionAdd(P_COLLECTION, P_MEMORY) == STATUS_SUCCESS);
    return P_OBJECT;
}

static UNICODE_STRING text(PWSTR words)
{
    UNICODE_STRING made;

    RtlInitUnicodeString(&made, words);
    return made;
}

/* ---- deferred work ---- */

static unsigned runs;

static VOID run_once(WDFOBJECT object)
{
    (void)object;
    runs++;
}

static VOID stop_itself(WDFTIMER timer)
{
    runs += WdfTimerStop(timer, TRUE) == FALSE;
}

static VOID flush_itself(WDFWORKITEM work)
{
    WdfWorkItemFlush(work);
    runs++;
}

static PWDF_TIMER_CONFIG timer_config(ULONG cut)
{
    static WDF_TIMER_CONFIG config;

    WDF_TIMER_CONFIG_INIT(&config, (PFN_WDF_TIMER)run_once);
    config.Size -= cut;
    config.AutomaticSerialization = FALSE;
    return &config;
}

static PWDF_DPC_CONFIG dpc_config(ULONG cut)
{
    static WDF_DPC_CONFIG config;

    WDF_DPC_CONFIG_INIT(&config, (PFN_WDF_DPC)run_once);
    config.Size -= cut;
    config.AutomaticSerialization = FALSE;
    return &config;
}

static PWDF_WORKITEM_CONFIG work_config(ULONG cut)
{
    static WDF_WORKITEM_CONFIG config;

    WDF_WORKITEM_CONFIG_INIT(&config, (PFN_WDF_WORKITEM)run_once);
    config.Size -= cut;
    config.AutomaticSerialization = FALSE;
    return &config;
}

/* The same without a callback. */
#define WITHOUT(config, member)                                                                    \
    ({                                                                                             \
        __auto_type config_ = (config);                                                            \
        config_->member = NULL;                                                                    \
        config_;                                                                                   \
    })
#define WITH(config, member, value)                                                                \
    ({                                                                                             \
        __auto_type config_ = (config);                                                            \
        config_->member = (value);                                                                 \
        config_;                                                                                   \
    })

static WDFTIMER timer_that_ran(PFN_WDF_TIMER callback, LONGLONG due)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    runs = 0;
    WDF_TIMER_CONFIG_INIT(&config, callback);
    config.AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = P_DEVICE;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    CHECK(WdfTimerCreate(&config, &attributes, &timer) == STATUS_SUCCESS);
    CHECK(WdfTimerStart(timer, due) == FALSE);
    return timer;
}

static VOID wait_ms(LONGLONG ms)
{
    LARGE_INTEGER time = {.QuadPart = -ms * 10000};

    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

static WDFDPC new_dpc(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDPC dpc;

    runs = 0;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = P_DEVICE;
    CHECK(WdfDpcCreate(dpc_config(0), &attributes, &dpc) == STATUS_SUCCESS);
    return dpc;
}

static WDFWORKITEM new_work(PFN_WDF_WORKITEM callback)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    PWDF_WORKITEM_CONFIG config = work_config(0);
    WDFWORKITEM work;

    runs = 0;
    config->EvtWorkItemFunc = callback;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = P_DEVICE;
    CHECK(WdfWorkItemCreate(config, &attributes, &work) == STATUS_SUCCESS);
    return work;
}

/* A queue's parent of timers whose lock is held at that level. */
static WDFQUEUE locked_queue(WDF_EXECUTION_LEVEL level)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue = NULL;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = level;
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    CHECK(WdfIoQueueCreate(P_DEVICE, &config, &attributes, &queue) == STATUS_SUCCESS);
    return queue;
}

#define PROOFS "proofs_objects.def"
#include "proof_rows.h"
