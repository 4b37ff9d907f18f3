/* The columns of a sweep: ops that are put somewhere, and what they mean at a place. */
#ifndef FT_DISTURBANCE_H
#define FT_DISTURBANCE_H

#include "explore/place.h"
#include "status.h"
#include "trace/trace.h"

enum { FT_DISTURBANCES_MAX = 128, FT_DISTURBANCE_NAME = 48, FT_FLIGHTS_MAX = 64 };

enum ft_whom {
    FT_WHOM_FIXED, /* the op says all */
    FT_WHOM_HERE,  /* the request that the place serves, else the newest in flight */
    FT_WHOM_OTHER  /* the oldest other request in flight */
};

struct ft_disturbance {
    struct ft_op op;
    uint8_t whom; /* enum ft_whom; of `cancel` */
    char name[FT_DISTURBANCE_NAME];
};

/* When each request of the undisturbed run was in flight. */
struct ft_flights {
    unsigned count;
    bool second; /* the driver has two devices */
    bool disks;  /* there are requests to disks, so to a SCSI miniport */
    struct {
        uint8_t label;
        uint64_t irp;
        uint64_t from, to; /* events */
    } flight[FT_FLIGHTS_MAX];
};

void ft_flights_read(const struct ft_trace *trace, struct ft_flights *ret);

/* Every kind of disturbance and world choice that is built, with arguments that say something.
 * Returns how many. */
unsigned ft_disturbances_all(struct ft_disturbance *ret);

/* Takes out what means nothing anywhere in such a run: to cancel another request when there never
 * are two, and what happens on a SCSI bus where there is none. Adds the same for the second device
 * where there is one. */
void ft_disturbances_fit(const struct ft_flights *flights, struct ft_disturbance *list,
                         unsigned *count);

/* One from text, "KIND [argument=value]" as a scenario has it; several when the kind alone is named
 * and has variants. Appends to *count. */
enum ft_status ft_disturbance_parse(const char *text, struct ft_disturbance *list, unsigned *count,
                                    struct ft_error *error);

/* The op that this means at a place. False: it means nothing there (no request to cancel). */
bool ft_disturbance_at(const struct ft_disturbance *disturbance, const struct ft_place *place,
                       const struct ft_flights *flights, struct ft_op *ret);

#endif
