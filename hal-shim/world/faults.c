/* CPU faults and loops of the driver: recorded as events, the task is given up, the run ends, the
 * process goes on. */
#include "world/host.h"
#include "world/machine.h"
#include "world/shadow.h"
#include "world/world_private.h"

enum { SITE_UNKNOWN = 0, HANG_LOOP = 3 };

/* Two CPU seconds in which one run passed no point: a loop without points. */
static bool loop_detected(void)
{
    struct ft_host_world *host = &ft_host_world;
    bool same = host->loop_run == host->run_number && host->loop_steps == FT_M->steps;

    host->loop_run = host->run_number;
    host->loop_steps = FT_M->steps;
    return same && ft_current() != NULL;
}

/* The site of a fault is the instruction, when the driver itself has it: a site is one byte behind
 * the start of what it names. In a DDI it stays the call. */
static void blame_instruction(uintptr_t code)
{
    const struct ft_module *module = ft_host_world.module;
    const unsigned char *at = (const unsigned char *)code;

    if (at >= module->code_begin && at < module->code_end)
        ft_current()->site = (uint64_t)(at - module->code_begin) + 1;
}

static void on_fault(enum ft_fault fault, int signal_number, uintptr_t address, uintptr_t code)
{
    uint64_t near = ft_fault_address(address);

    if (fault == FT_FAULT_LOOP) {
        if (!loop_detected())
            return;
        ft_emit(FT_EV_RUN_HANG, HANG_LOOP);
        ft_stop(FT_STOP_HANG);
        ft_task_leave();
    }
    /* Outside a task it is our own failure: let the default action show it. */
    if (!ft_current() || FT_M->in_engine == FT_ENGINE_STEPPING)
        return;
    if (fault == FT_FAULT_WILD && ft_stack_guard_hit(near)) {
        fault = FT_FAULT_STACK;
        near = 0;
    }
    /* The faulting address is the same in every run only inside the world, or near null. */
    if (!(near >= FT_REGION_BASE && near < FT_REGION_BASE + FT_REGION_BYTES) && near >= 0x10000)
        near = UINT64_MAX;
    blame_instruction(code);
    ft_emit(FT_EV_RUN_CRASH, fault, (uint64_t)signal_number, near);
    ft_stop(FT_STOP_CRASH);
    ft_task_leave();
}

void ft_faults_catch(void)
{
    if (!ft_host_catch_faults(on_fault)) {
        ft_host_print("flushtrace: cannot install fault handlers\n");
        ft_host_die();
    }
}
