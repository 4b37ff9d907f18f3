/* Traces for the tests of the codec. Everything is a pure function of the arguments. The traces are
 * malloc'd parts and all: free with ft_trace_free. */
#ifndef FT_TRACE_SAMPLES_H
#define FT_TRACE_SAMPLES_H

#include "trace/trace.h"

#include <stdint.h>
#include <stdio.h>

/* xorshift64*; the state is never zero. */
struct sample_random {
    uint64_t state;
};

void sample_random_init(struct sample_random *random, uint64_t seed);
uint64_t sample_random_next(struct sample_random *random);

/* An event of that row with every argument, and every attribute that all traces can hold, at its
 * smallest or largest value. */
void sample_extreme(const struct ft_event_row *row, int largest, struct ft_event *ret);

/* A trace with header, verdict and no events. */
void sample_empty(struct ft_trace *ret);

/* `requests` reads of a packet driver one after the other: what runs look like. */
void sample_requests(unsigned requests, struct ft_trace *ret);

/* `count` events with nothing regular about them, unknown arguments included. */
void sample_noise(uint64_t seed, unsigned count, struct ft_trace *ret);

/* One request, then every row once with some values, then every row with every argument unknown,
 * findings and warnings. */
void sample_small(struct ft_trace *ret);

/* Everything in a trace as text, one thing a line. */
void sample_dump(const struct ft_trace *trace, FILE *file);

/* Fails the running test unless the two hold the same. */
void sample_assert_equal(const struct ft_trace *a, const struct ft_trace *b);

#endif
