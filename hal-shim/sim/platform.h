/* The platform: a vector of knobs, stored in every trace. Names are presets (ft_platform_preset).
 */
#ifndef FT_SIM_PLATFORM_H
#define FT_SIM_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

enum ft_platform_name {
    FT_PLATFORM_COHERENT,    /* x86: one view of memory, logical is physical, no bounce */
    FT_PLATFORM_BOUNCE,      /* map registers are scarce; data is copied at map and flush */
    FT_PLATFORM_NONCOHERENT, /* processor and device see two copies; only the right flush moves
                                lines */
    FT_PLATFORM_IOMMU,       /* logical is not physical; a stray access faults */
    FT_PLATFORM_COUNT
};

enum ft_bounce { FT_BOUNCE_NEVER, FT_BOUNCE_ALWAYS, FT_BOUNCE_ODD_PAGES, FT_BOUNCE_COUNT };
enum ft_frames {
    FT_FRAMES_CONTIGUOUS,
    FT_FRAMES_REVERSED,
    FT_FRAMES_PAIRWISE,
    FT_FRAMES_RANDOM,
    FT_FRAMES_COUNT
};

/* Knobs in the order in which the byte form stores them, one digit each. KNOB(field, "name",
 * maximum, "sentence"): a value above its maximum is taken modulo maximum + 1. Rows are only ever
 * appended. */
#define FT_PLATFORM_KNOBS(KNOB)                                                                    \
    KNOB(preset, "preset", FT_PLATFORM_COUNT - 1, "coherent, bounce, noncoherent or iommu")        \
    KNOB(processors, "processors", 3, "processors beyond the first: 0 to 3")                       \
    KNOB(coherent, "coherent", 1, "1: processor and device share one view of memory")              \
    KNOB(iommu, "iommu", 1, "1: logical addresses are translated; a stray access faults")          \
    KNOB(bounce, "bounce", FT_BOUNCE_COUNT - 1, "0 never, 1 always, 2 odd pages")                  \
    KNOB(frames, "frames", FT_FRAMES_COUNT - 1,                                                    \
         "0 contiguous, 1 reversed, 2 pairwise swapped, 3 random")                                 \
    KNOB(registers, "registers", 64, "most map registers of an adapter; 0: no limit")              \
    KNOB(pool, "pool", 128, "map registers of the whole machine; 0: no limit")                     \
    KNOB(defer, "defer", 1, "1: AdapterControl never runs inside AllocateAdapterChannel")          \
    KNOB(high, "high", 1, "1: page frames lie above 4 GiB, out of reach of 32 bits")               \
    KNOB(verifier, "verifier", 1, "1: Driver Verifier's DMA checks and double buffering")          \
    KNOB(longer, "longer", 9, "so many times 400,000 points more before a run is cut")

/* The event run:begin has the knobs in one word: as many as this are digits to the base 131, the
 * first one highest, below bit 62; of those behind them `high` is bit 62 and `verifier` bit 63.
 * Knobs behind these are of the run and not of the machine: nothing in it can tell their values, so
 * they are not in the word, and nobody draws them at random. */
enum { FT_PLATFORM_PACKED = 9, FT_PLATFORM_OF_MACHINE = 11 };

struct ft_platform {
#define KNOB(field, name, maximum, sentence) uint8_t field;
    FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
};

/* Fills *ret with the knobs of a preset. */
void ft_platform_preset(enum ft_platform_name name, struct ft_platform *ret);

/* Another machine, for a run as long as before: the preset's knobs but for those of the run. */
void ft_platform_change(enum ft_platform_name name, struct ft_platform *platform);

/* The preset's name, e.g. "bounce". */
const char *ft_platform_preset_name(unsigned preset);

#endif
