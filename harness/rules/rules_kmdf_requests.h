/* What the rules of framework requests and queues share.
 *
 * marked, in events: not cancelable; marked; cancelled and EvtRequestCancel is due; it was called.
 */
#ifndef FT_RULES_KMDF_REQUESTS_H
#define FT_RULES_KMDF_REQUESTS_H

#include "rules/rules_io.h"

enum { FT_WDF_UNMARKED, FT_WDF_MARKED, FT_WDF_CANCELED, FT_WDF_CANCELING };

/* Power of a queue, in events. From holding up to below off it waits for what the driver owns. */
enum { FT_WDF_POWER_ON = 1, FT_WDF_POWER_HOLDING, FT_WDF_POWER_OFF = 6, FT_WDF_POWER_PURGE };

/* How the driver gets a request. */
enum { FT_WDF_BY_HANDLER = 1, FT_WDF_BY_RETRIEVE, FT_WDF_BY_CANCELED_ON_QUEUE };

enum { FT_WDF_HOW_MANAGED = 1 };
enum { FT_WDF_STOP_SUSPEND = 1, FT_WDF_STOP_PURGE };

#define FT_NT_WDF_PAUSED 0xC0200203u

/* NULL: there is none. */
struct ft_rs_wdf_request *ft_wdf_request_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_wdf_request *ft_wdf_request_arg(struct ft_rules *rules, const struct ft_event *event,
                                             unsigned index);
struct ft_rs_wdf_queue *ft_wdf_queue_find(struct ft_rules *rules, uint64_t handle);

bool ft_wdf_request_is_owned(const struct ft_rs_wdf_request *request);

/* The task is in that routine, called for the request of that argument. */
bool ft_wdf_is_in(struct ft_rules *rules, const struct ft_event *event, enum ft_routine routine,
                  unsigned index);

/* One of the EvtIo routines that are given a request. */
bool ft_wdf_is_handler(uint64_t routine);

#endif
