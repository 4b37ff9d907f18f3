/* Chains: which of the activations that may go on goes on, when an `order` op has taken the choice
 * away from world/order.h.
 *
 * A chain is a sequence of activations that never overlap: a thread; the ISRs of one input; the
 * DPCs of one KDPC or timer; a worker of the system's; the engine; each time the clock moves on
 * early. One that begins while another of its object is alive is a chain of its own. Its name is a
 * number that follows from what it is, or for a thread from who made it and as which of its
 * children: never from the order in which things happened to run.
 *
 * A turn is a moment at which more than one chain could go on: a point of the running task (of the
 * set that `order` names), the time between two steps of the engine, or the end or block of what
 * ran. Turns are numbered from 1, and `lower` and `pick` speak of them by their number.
 *
 * With a seed the chain of the highest priority goes on, from point to point: each has one that
 * follows from seed and name; `last` and `lower` put one below all others. Without a seed the
 * running task keeps running and world/order.h says who is next, but for what `pick` says.
 *
 * A task that polls waits: when it has polled twice and nothing else moved in between, it may not
 * step until something did. The device does not work inside a poll, as it does otherwise, but when
 * it is its turn.
 *
 * Ops without a moment strike at once, each as its own thread of the requester's; so their order is
 * the strategy's, too. A cancel waits for its request to be sent. The tail has the usual order.
 */
#ifndef FT_WORLD_CHAINS_H
#define FT_WORLD_CHAINS_H

#include <stdbool.h>
#include <stdint.h>

struct ft_op;
struct ft_task;

enum {
    FT_LOWERS_MAX = 6,
    FT_LOWERED_MAX = 16,
    FT_PICKS_MAX = 60,
    FT_EARLY_CLOCK = 2,   /* so often may time move on though something else may step */
    FT_IDLE_POLLS = 2,    /* then a task waits until another chain has moved */
    FT_POLLS_LIMIT = 1000 /* then everybody else comes first, and the strategy is told */

};

/* Who goes next, once that is decided. */
struct ft_next {
    uint32_t chain;
    uint8_t kind;  /* enum ft_task_kind, 0: undecided */
    uint8_t task;  /* FT_NO_TASK: it is to begin */
    uint8_t index; /* which of those that wait to begin */
};

struct ft_order {
    uint8_t on;
    uint8_t points; /* enum ft_point_set */
    uint8_t early;  /* early moves of the clock that are left */
    uint8_t lowers, lowered, picks;
    uint16_t seed;
    uint16_t spawned; /* threads that ops made */
    uint32_t turns;   /* so far */
    uint32_t last;    /* chain that `last` names, 0: none */
    uint32_t naming;  /* chain of the task that is about to be made */
    uint8_t begun;    /* slot of the task that was made last */
    uint8_t demoted;  /* how often a task was, for polling */
    struct ft_next next;
    struct {
        uint16_t at;
        uint8_t to;
    } lower[FT_LOWERS_MAX];
    struct {
        uint32_t chain;
        int16_t to;
    } fallen[FT_LOWERED_MAX];
    struct {
        uint16_t at;
        uint8_t which;
    } pick[FT_PICKS_MAX];
};

/* order, last, lower, pick. False: not legal now. */
bool ft_order_op(const struct ft_op *op);

/* At a point of the running task: lets another go on when it is its turn. */
void ft_order_at_point(unsigned point);

/* One step. False: quiet. */
bool ft_order_step(void);

/* A task is made: gives it its chain. */
void ft_order_name(struct ft_task *task);

/* The running task polls. */
void ft_order_poll(void);

/* From here on (the tail) the usual order. */
void ft_order_end(void);

#endif
