#include "fuzz/campaign/reach.h"
#include "fuzz/campaign/campaign_private.h"

static double deadline;

static bool in_time(size_t done)
{
    (void)done;
    return ft_campaign_now() < deadline;
}

enum ft_status ft_reach_measure(struct ft_subject *subject, unsigned jobs, struct ft_error *error)
{
    struct ft_inputs inputs = {.count = 0};
    char folder[FT_PATH_BYTES];
    enum ft_status status;

    ft_path(folder, "%s/corpus", subject->folder);
    deadline = ft_campaign_now() + FT_REACH_SECONDS;
    status = ft_inputs_add(&inputs, folder, subject->module->core, error);
    if (status == FT_OK && inputs.count)
        status = ft_coverage_run(subject->module, &inputs, jobs, NULL, in_time, &subject->reached,
                                 error);
    subject->reached_whole = status == FT_OK && subject->reached.runs == inputs.count;
    ft_inputs_free(&inputs);
    return status;
}

bool ft_reach_missed(const struct ft_subject *subject, unsigned point)
{
    return point != FT_PT_ANY && ft_point_name(point) && subject->reached.met[point] &&
           !subject->reached.struck[point];
}

/* Requests that the driver does not take never come to it; a device with a model is not moved by
 * ops. */
bool ft_reach_expects(const struct ft_subject *subject, unsigned kind)
{
    const struct ft_op_row *row = ft_op_row(kind);
    unsigned takes = subject->module->description->requests;

    if (!row || !row->built)
        return false;
    switch (kind) {
    case FT_OP_READ:
        return takes & FT_TAKES_READ;
    case FT_OP_WRITE:
        return takes & FT_TAKES_WRITE;
    case FT_OP_READ_PAGES: /* the mutator makes them where no other op is long enough */
    case FT_OP_WRITE_PAGES:
        return (takes & (kind == FT_OP_READ_PAGES ? FT_TAKES_READ : FT_TAKES_WRITE)) &&
               subject->module->description->request_bytes_max > ft_op_row(FT_OP_READ)->arg_max[0];
    case FT_OP_IOCTL:
        return takes & FT_TAKES_IOCTL;
    case FT_OP_DISK_READ:
    case FT_OP_DISK_WRITE:
    case FT_OP_DISK_CONTROL:
    case FT_OP_DISK_NEXT:
    case FT_OP_BUS_RESET:
    case FT_OP_ABORT:
    case FT_OP_TARGET:
        return takes & FT_TAKES_BLOCKS;
    case FT_OP_DEVICE_REGISTER:
    case FT_OP_DEVICE_INTERRUPT:
    case FT_OP_DEVICE_MOVES:
        return subject->module->device == NULL;
    default:
        return true;
    }
}
