/* SCSI Port: what a miniport may do before HwScsiInitialize, what it may touch, and how much it may
 * send at once (scsiport sheet, 17.2, 17.3, 17.5). */
#include "rules/rules_scsi.h"

enum { NOTIFY_WMI_EVENT = 8, WMI_EVENTS_MOST = 16 };
enum { BAR_SHIFT = 24, ADAPTER_FOUND = 1 };

/* ---- before HwScsiInitialize ---- */

/* The interrupt routine acts for requests that there cannot be, or does not come back. */
static void judge_early(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->scsi_adapter.state == ADAPTER_FOUND && !rules->scsi_port.begun &&
        ft_scsi_in(rules, event) == FT_ROUTINE_SCSI_INTERRUPT) {
        ft_rule_fire(rules, FT_J_SCSI_ISR_BEFORE_INIT, event, 0);
    }
}

/* ---- registers ---- */

static bool is_in_ports(const struct ft_rs_scsi_port *port, uint64_t first, uint64_t count)
{
    for (unsigned i = 0; i < port->ranges && i < FT_RS_SCSI_RANGES; i++) {
        if (first >= port->ports[i].first &&
            first + count <= (uint64_t)port->ports[i].first + port->ports[i].count) {
            return true;
        }
    }
    return port->ranges > FT_RS_SCSI_RANGES; /* more than are remembered */
}

/* A range is remembered when it has been given back, too. */
static void judge_access(struct ft_rules *rules, const struct ft_event *event, bool ports)
{
    const struct ft_rs_scsi_port *port = &rules->scsi_port;
    uint64_t offset = event->arg[0] & ((1u << BAR_SHIFT) - 1), width = event->arg[1];
    bool known = port->ranges != 0 || port->memory != 0;
    bool inside = ports ? is_in_ports(port, event->arg[0], width) : offset + width <= port->memory;

    if (event->unknown == 0 && known && ft_by_driver(event) && ft_scsi_in(rules, event) != 0 &&
        !inside) {
        ft_rule_fire(rules, FT_J_SCSI_REG_IN_RANGE, event, 0);
    }
}

static void judge_notify(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] == NOTIFY_WMI_EVENT && rules->scsi_port.events == WMI_EVENTS_MOST) {
        ft_rule_fire(rules, FT_J_SCSI_WMI_BURST, event, event->arg[0]);
    }
}

void ft_scsi_port_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_COMPLETE:
    case FT_EV_SCSI_NEXT:
    case FT_EV_SCSI_MAP:
    case FT_EV_SCSI_FLUSH:
    case FT_EV_RUN_CRASH:
    case FT_EV_RUN_BUGCHECK:
    case FT_EV_RUN_HANG:
        judge_early(rules, event);
        break;
    case FT_EV_SCSI_NOTIFY:
        judge_notify(rules, event);
        break;
    case FT_EV_PORT_READ:
    case FT_EV_PORT_WRITE:
        judge_access(rules, event, true);
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_access(rules, event, false);
        break;
    default:
        break;
    }
}

/* ---- what there is ---- */

static void note_base(struct ft_rs_scsi_port *port, const struct ft_event *event)
{
    uint32_t first = (uint32_t)event->arg[1], count = (uint32_t)event->arg[2];

    if (event->unknown != 0 || event->arg[5] == 0) {
        return;
    }
    if (event->arg[3] == 0) {
        port->memory = count > port->memory ? count : port->memory;
        return;
    }
    if (is_in_ports(port, first, count)) {
        return;
    }
    if (port->ranges < FT_RS_SCSI_RANGES) {
        port->ports[port->ranges].first = first;
        port->ports[port->ranges].count = count;
    }
    port->ranges = (uint8_t)(port->ranges + (port->ranges <= FT_RS_SCSI_RANGES));
}

void ft_scsi_port_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_port *port = &rules->scsi_port;

    switch (event->kind) {
    case FT_EV_SCSI_GET_BASE:
        note_base(port, event);
        break;
    case FT_EV_SCSI_STARTED:
        port->begun = event->arg[2] != 0;
        break;
    case FT_EV_SCSI_HBA:
    case FT_EV_SCSI_FOUND:
        port->begun = 0;
        break;
    case FT_EV_SCSI_NOTIFY:
        port->events = (uint8_t)(port->events + (event->arg[1] == NOTIFY_WMI_EVENT));
        break;
    case FT_EV_CALL_LEAVE:
        port->events = 0;
        break;
    default:
        break;
    }
}
