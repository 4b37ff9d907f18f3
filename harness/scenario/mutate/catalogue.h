/* The point catalogue: which points a driver core meets, how often, in tasks of which kind, and
 * which ops it takes. The fuzz target learns it from its runs; mutation draws moments and ops from
 * it, so that few ops come late or do nothing.
 *
 * Order of calls for who runs scenarios: ft_catalogue_init, ft_catalogue_learn after each run, and
 * with a file ft_catalogue_sync now and then. For who only mutates: ft_catalogue_load now and then.
 *
 * The file holds the structure as it is, for programs of one build on one machine. Several
 * processes may share it without locks: whoever writes first takes in what stands there, and a
 * count that is lost by two writing at once is learned again. What is read is never believed: a
 * foreign, short or torn file gives points that exist and counts in their range.
 */
#ifndef FT_CATALOGUE_H
#define FT_CATALOGUE_H

#include "sim/module.h"
#include "sim/world.h"

/* Whose points they are. A moment on a label counts what happens for that op only, so each sort of
 * op has a scope: a long request meets more points than a short one. */
enum ft_scope {
    FT_SCOPE_START,  /* the device, before START is over */
    FT_SCOPE_DEVICE, /* the device afterwards: any object, any task */
    FT_SCOPE_READ,   /* short, long */
    FT_SCOPE_WRITE = FT_SCOPE_READ + 2,
    FT_SCOPE_IOCTL = FT_SCOPE_WRITE + 2,   /* by the control code */
    FT_SCOPE_REQUEST = FT_SCOPE_IOCTL + 4, /* what else is a request */
    FT_SCOPE_DISTURB, /* by kind: the PnP and power threads that a labelled op began */
    FT_SCOPE_COUNT = FT_SCOPE_DISTURB + 32
};

enum { FT_CATALOGUE_MAGIC = 0x43505446, FT_CATALOGUE_VERSION = 1 };

/* What was met in a scope, per point; FT_PT_ANY stands for all of them together. */
struct ft_scope_facts {
    uint8_t highest[FT_MET_POINTS]; /* most occurrences in a run, 254 at most; 0: never met */
    uint8_t usual[FT_MET_POINTS];   /* about the median of the runs that met it */
    uint8_t first[FT_MET_POINTS];   /* points until the first occurrence, about the median */
    uint8_t often[FT_MET_POINTS];   /* share of the recent runs that met it, of 255 */
};

struct ft_catalogue {
    uint32_t magic, version;
    uint32_t request_bytes_max; /* of the driver description; 0: unknown */
    uint8_t requests;           /* ft_takes, 0: unknown */
    uint8_t controls;           /* device control codes it takes */
    uint8_t has_model;          /* a device model stands behind the driver */
    uint8_t unused;
    struct ft_scope_facts scope[FT_SCOPE_COUNT];
    uint8_t tasks[FT_MET_POINTS];                          /* as in struct ft_met */
    uint8_t struck[FT_MET_POINTS], skipped[FT_MET_POINTS]; /* per op kind, recent ones */
};

/* An empty catalogue of that driver; NULL: of no driver that is known. */
void ft_catalogue_init(struct ft_catalogue *catalogue, const struct ft_module *module);

/* The scope of a moment on the label of that op. */
enum ft_scope ft_scope_of_op(const struct ft_op *op);

/* Takes in what a run of that scenario met. */
void ft_catalogue_learn(struct ft_catalogue *catalogue, const struct ft_scenario *scenario,
                        const struct ft_met *met);

/* The driver is known and no request has run yet: it is too early to draw moments. Where nobody
 * learns, no driver is known, and moments come from all points there are. */
bool ft_catalogue_is_empty(const struct ft_catalogue *catalogue);

/* Takes in another catalogue, as far as it is in range. False: it is none. */
bool ft_catalogue_merge(struct ft_catalogue *catalogue, const struct ft_catalogue *other);

/* Takes in the file. False, with *catalogue as it was, when it is missing or no catalogue. */
bool ft_catalogue_load(struct ft_catalogue *catalogue, const char *path);

/* Takes in the file if there is one, and writes the sum. False: it cannot be written, or it holds
 * something else, which is left alone. */
bool ft_catalogue_sync(struct ft_catalogue *catalogue, const char *path);

#endif
