/* What the power and PnP machines need of files that do not exist yet: calling it stops the run by
 * name. Weak, so that a test may bring its own. */
#include "kmdf/kmdf_private.h"

#define MISSING(type, name, ...)                                                                   \
    __attribute__((weak)) type name(__VA_ARGS__)                                                   \
    {                                                                                              \
        ft_unimplemented(#name);                                                                   \
    }

MISSING(void, ft_wdf_queues_start, struct ft_wdf_device *device __attribute__((unused)))
MISSING(void, ft_wdf_queues_hold, struct ft_wdf_device *device __attribute__((unused)))
MISSING(void, ft_wdf_queues_purge, struct ft_wdf_device *device __attribute__((unused)),
        bool managed __attribute__((unused)))
MISSING(NTSTATUS, ft_wdf_io_dispatch, struct ft_wdf_device *device __attribute__((unused)),
        PIRP irp __attribute__((unused)))
