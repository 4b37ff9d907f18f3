/* System threads and thread objects (nf-wdm-pscreatesystemthread and peers).
 *
 * Every task has a thread object as soon as somebody asks for it, a DPC or an ISR too: on Windows
 * they borrow the thread that they interrupted, which no driver may rely upon. There is one
 * process, the system's, with the id 4; a thread's id is four times its task's.
 *
 * Not modelled: security and names of threads, processes of users, priorities (they are kept and
 * told, but the order of steps does not know them).
 */
#include "kernel/dispatcher.h"
#include "kernel/handles.h"

enum {
    BUGCHECK_HELD_MUTEX = 0x4000008A,
    PRIORITY_OF_SYSTEM = 8,
    SYSTEM_PROCESS = 4,
    NO_INDEX = 0xFF
};

struct _KTHREAD {
    DISPATCHER_HEADER header;
    PKSTART_ROUTINE routine; /* of a system thread */
    PVOID context;
    KPRIORITY priority;
    LONG increment; /* of the base priority */
    NTSTATUS status;
    uint8_t task; /* index, NO_INDEX once it has ended */
};

struct _EPROCESS {
    DISPATCHER_HEADER header;
};

/* ---- thread objects ---- */

static PKTHREAD thread_create(struct ft_task *task)
{
    PKTHREAD thread = ft_block_alloc(sizeof *thread, FT_HC_THREAD, 0);

    if (!thread)
        return NULL;
    thread->header.Type = FT_DT_THREAD;
    thread->priority = PRIORITY_OF_SYSTEM;
    thread->task = (uint8_t)(task - FT_M->task);
    task->thread = thread;
    return thread;
}

PKTHREAD ft_thread_of(struct ft_task *task)
{
    if (!task)
        task = ft_current();
    if (!task->thread && !thread_create(task)) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop_now(FT_STOP_CUT);
    }
    return task->thread;
}

static bool is_running(const void *object)
{
    return ((const struct _KTHREAD *)object)->task != NO_INDEX;
}

const struct ft_object_type ft_thread_type = {.in_use = is_running};

void ft_thread_end(void)
{
    struct ft_task *task = ft_current();
    PKTHREAD thread = task->thread;

    if (!thread)
        return;
    if (task->mutexes > 0)
        ft_bugcheck(BUGCHECK_HELD_MUTEX, ft_block_handle(thread), task->mutexes, 0, 0);
    thread->task = NO_INDEX;
    thread->header.SignalState = 1;
    ft_dispatcher_signal(&thread->header);
    task->thread = NULL;
    ft_object_put(thread);
}

PKTHREAD KeGetCurrentThread(VOID)
{
    return ft_thread_of(NULL);
}

HANDLE PsGetCurrentThreadId(VOID)
{
    return (HANDLE)(uintptr_t)(ft_current()->id * 4u);
}

HANDLE PsGetCurrentProcessId(VOID)
{
    return (HANDLE)(uintptr_t)SYSTEM_PROCESS;
}

PEPROCESS IoGetCurrentProcess(VOID)
{
    struct ft_kernel_state *kernel = &FT_M->kernel;

    if (!kernel->process)
        kernel->process = ft_block_alloc(sizeof(struct _EPROCESS), FT_HC_OTHER, 0);
    if (!kernel->process) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop_now(FT_STOP_CUT);
    }
    return kernel->process;
}

/* ---- system threads ---- */

static uint64_t call_thread(void *argument, void *unused, void *unused2, void *unused3)
{
    PKTHREAD thread = argument;

    (void)unused;
    (void)unused2;
    (void)unused3;
    thread->routine(thread->context);
    return 0;
}

static void announce_end(const struct _KTHREAD *thread, NTSTATUS status, bool by_return)
{
    ft_emit(FT_EV_THREAD_END, ft_block_handle(thread), (uint32_t)status, by_return);
}

static void run_thread(void *argument)
{
    PKTHREAD thread = argument;

    ft_current()->layer = FT_LAYER_SYSTEM;
    ft_call_routine((void *)thread->routine, FT_ROUTINE_THREAD, ft_block_handle(thread), 0, 0,
                    call_thread, thread, NULL, NULL, NULL);
    announce_end(thread, STATUS_SUCCESS, true);
}

static PKTHREAD spawn_thread(PKSTART_ROUTINE routine, PVOID context)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, run_thread, NULL, 0);
    PKTHREAD thread = task ? thread_create(task) : NULL;

    if (!thread)
        return NULL;
    thread->routine = routine;
    thread->context = context;
    task->argument = thread;
    task->device = ft_current()->device;
    task->of_driver = 1;
    return thread;
}

/* A machine that is out of room for tasks or blocks has cut the run. */
static NTSTATUS create_thread(PHANDLE handle, ULONG access, PCLIENT_ID client,
                              PKSTART_ROUTINE routine, PVOID context)
{
    PKTHREAD thread = ft_alloc_fails(FT_FAIL_POOL) ? NULL : spawn_thread(routine, context);
    NTSTATUS status = thread ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    ft_emit(FT_EV_THREAD_NEW, ft_handle_of(thread), (uint32_t)status);
    if (!thread)
        return status;
    *handle = ft_handle_open(thread, access);
    if (client) {
        client->UniqueProcess = (HANDLE)(uintptr_t)SYSTEM_PROCESS;
        client->UniqueThread = (HANDLE)(uintptr_t)(FT_M->task[thread->task].id * 4u);
    }
    return status;
}

NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                              POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                              PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    NTSTATUS status;

    (void)ObjectAttributes;
    (void)ProcessHandle;
    FT_DDI_BEGIN(THREAD, 0);
    status = create_thread(ThreadHandle, DesiredAccess, ClientId, StartRoutine, StartContext);
    FT_DDI_END(THREAD, 0);
    return status;
}

/* Ends the calling thread, if PsCreateSystemThread made it; in any other it returns. */
NTSTATUS PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    bool ours;

    FT_DDI_BEGIN(THREAD, 0);
    ours = ft_current()->of_driver;
    if (ours) {
        PKTHREAD thread = ft_thread_of(NULL);

        thread->status = ExitStatus;
        announce_end(thread, ExitStatus, false);
        ft_task_exit();
    }
    FT_DDI_END(THREAD, 0);
    return STATUS_INVALID_PARAMETER;
}

/* ---- priorities ---- */

KPRIORITY KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KPRIORITY old;

    FT_DDI_BEGIN(THREAD, 0);
    old = Thread->priority;
    Thread->priority = Priority;
    FT_DDI_END(THREAD, 0);
    return old;
}

/* Increment is relative to the base priority of the process; the old increment comes back. */
LONG KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    LONG old;

    FT_DDI_BEGIN(THREAD, 0);
    old = Thread->increment;
    Thread->increment = Increment;
    Thread->priority = PRIORITY_OF_SYSTEM + Increment;
    FT_DDI_END(THREAD, 0);
    return old;
}

KPRIORITY KeQueryPriorityThread(PKTHREAD Thread)
{
    return Thread->priority;
}
