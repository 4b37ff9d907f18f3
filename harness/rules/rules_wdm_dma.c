/* Which of the monitors around DMA sees which event, beside those that the switch in rules.c calls:
 * a family that is the last to judge and the first to note. */
#include "rules/rules_io.h"

static void before_kernel(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        ft_channel_at_wait(rules, event);
        break;
    case FT_EV_LOCK_ACQUIRE:
        ft_channel_at_lock(rules, event);
        break;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        ft_channel_at_call(rules, event);
        break;
    case FT_EV_REG_WRITE:
    case FT_EV_PORT_WRITE:
        ft_judge_slave_register(rules, event);
        break;
    case FT_EV_MEM_DAMAGE:
        ft_on_damage(rules, event);
        break;
    case FT_EV_ODD_ARGUMENT:
        ft_on_odd_argument(rules, event);
        break;
    case FT_EV_RUN_HANG:
        ft_dma_at_hang(rules, event);
        break;
    default:
        break;
    }
}

static void before_io(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_START_NEXT:
        ft_judge_dpc_order(rules, event);
        ft_channel_at_start_next(rules, event);
        break;
    case FT_EV_DEVICE_DELETE:
        ft_channel_at_delete(rules, event);
        break;
    case FT_EV_DEVICE_FLAGS:
        ft_on_dma_query(rules, event);
        break;
    case FT_EV_PNP_DONE:
        ft_judge_pnp_done(rules, event);
        break;
    case FT_EV_MDL_ALLOC:
    case FT_EV_MDL_BUILD:
    case FT_EV_MDL_LOCK:
    case FT_EV_MDL_UNLOCK:
    case FT_EV_MDL_FREE:
    case FT_EV_MDL_PARTIAL:
    case FT_EV_MDL_SYSVA:
    case FT_EV_MDL_REUSE:
    case FT_EV_MDL_ADVANCE:
        ft_judge_mdl(rules, event);
        break;
    default:
        break;
    }
}

static void before_dma(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DMA_KFI:
        ft_on_kfi(rules, event);
        break;
    case FT_EV_DMA_ALIGNMENT:
    case FT_EV_HAL_GET_ADAPTER:
    case FT_EV_DMA_OLD_TABLE:
    case FT_EV_DMA_REFS:
        ft_on_dma_query(rules, event);
        break;
    case FT_EV_SYS_PROGRAM:
    case FT_EV_SYS_TERMINAL:
        ft_on_system_dma(rules, event);
        break;
    case FT_EV_DMA_VERIFIER:
        ft_on_verifier(rules, event);
        break;
    case FT_EV_SG_GET:
    case FT_EV_SG_LIST:
    case FT_EV_SG_ELEMENT:
    case FT_EV_SG_PUT:
    case FT_EV_SG_SIZE:
    case FT_EV_SG_MDL:
    case FT_EV_SG_BUFFER:
    case FT_EV_SG_DONE:
        ft_on_list(rules, event);
        break;
    default:
        break;
    }
}

void ft_wdm_dma_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event)) {
        ft_judge_dma_irql(rules, event);
    }
    switch (event->kind >> 8) {
    case 0x04:
        before_io(rules, event);
        break;
    case 0x06:
        before_dma(rules, event);
        break;
    default:
        before_kernel(rules, event);
        break;
    }
}

/* The MDL of a read or write describes all of its buffer. */
static void learn_request(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_arg_id(event, 4));

    if (irp != NULL && mdl != NULL && ft_known(event, 2) &&
        (irp->major == FT_MAJOR_READ || irp->major == FT_MAJOR_WRITE)) {
        mdl->length = (uint32_t)event->arg[2];
    }
}

void ft_wdm_dma_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRP_NEW:
        learn_request(rules, event);
        break;
    case FT_EV_PAGES_ALLOC:
        ft_on_pages(rules, event);
        break;
    case FT_EV_MDL_ALLOC:
    case FT_EV_MDL_BUILD:
    case FT_EV_MDL_LOCK:
    case FT_EV_MDL_PARTIAL:
    case FT_EV_MDL_REUSE:
    case FT_EV_MDL_ADVANCE:
        ft_learn_mdl(rules, event);
        break;
    case FT_EV_RUN_BEGIN:
    case FT_EV_RUN_STARTED:
    case FT_EV_PNP_SEND:
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
    case FT_EV_ISR_CONNECT:
    case FT_EV_ISR_DISCONNECT:
        ft_learn_run(rules, event);
        break;
    default:
        break;
    }
}
