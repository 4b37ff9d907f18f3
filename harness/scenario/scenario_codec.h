/* The two written forms of a scenario: bytes for engines, text for people. Both come from ops.def
 * and have the same ranges.
 *
 * Bytes: chunks, delimited by 0xFF. Digits are bytes 0..254 to the base 255, little end first;
 * missing bytes are zero, further bytes are ignored. The first chunk holds the platform: one digit
 * per knob, in the order of FT_PLATFORM_KNOBS. When the chunk has one digit only, that is the
 * preset; with further digits they replace the preset's knobs. Each following chunk is one op:
 * slot, label, target, point, count (a digit each), accesses (two digits), then the arguments (one
 * or two digits by their maximum). Slot 128 + n is slot n about a device other than the first
 * (struct ft_op.device, struct ft_moment.device): the digit after it is ft_op_devices. A chunk with
 * a free slot does nothing. Any bytes decode; ops beyond FT_OPS_MAX are dropped.
 *
 * Text: see docs/SCENARIOS.md. One line per op, `#` begins a comment:
 *     platform bounce registers=2
 *     a: read length=12288 offset=512
 *     cancel of=a @ a/dma:map.out/2
 *     power-down @ device/engine:burst/3 +m5
 */
#ifndef FT_SCENARIO_CODEC_H
#define FT_SCENARIO_CODEC_H

#include "sim/scenario.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* Any bytes give a scenario within the ranges. */
void ft_scenario_decode(const uint8_t *bytes, size_t length, struct ft_scenario *ret);

/* Writes the canonical bytes: decode(encode(s)) == s. Returns the length needed, writes at most
 * `capacity`. */
size_t ft_scenario_encode(const struct ft_scenario *scenario, uint8_t *bytes, size_t capacity);

/* Writes the text form, NUL-terminated; returns the length needed without the NUL, like snprintf.
 */
size_t ft_scenario_print(const struct ft_scenario *scenario, char *text, size_t capacity);

/* One op as text ("cancel of=a @ a/dma:map.out/2"), same convention. */
size_t ft_op_print(const struct ft_op *op, char *text, size_t capacity);

/* Parses the text form. On failure *ret is untouched and error->offset is the line number. */
enum ft_status ft_scenario_parse(const char *text, size_t length, struct ft_scenario *ret,
                                 struct ft_error *error);

/* A uniformly structured random scenario: pure function of the seed. platform < 0: a random preset.
 * labels, targets and points are drawn so that most moments can come (requests first, targets among
 * existing labels). */
void ft_scenario_random(uint64_t seed, int platform, struct ft_scenario *ret);
/* The same for a driver of which it is known what it takes (FT_TAKES_*). For a SCSI miniport
 * requests become those to its disks, some disturbances what happens on its bus, and points those
 * that it passes. For a driver with two devices ops and moments are about either. For all others it
 * is the scenario above. */
void ft_scenario_random_for(uint64_t seed, int platform, unsigned takes, struct ft_scenario *ret);

#endif
