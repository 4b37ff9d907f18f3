/* Symbolic names of argument values, in one place: printing, parsing and JSON use these tables.
 *
 * A name never holds a space, a quote or `;`, so it is one token of the text form.
 */
#ifndef FT_TRACE_NAMES_H
#define FT_TRACE_NAMES_H

#include "sim/event.h"

#include <stddef.h>
#include <stdint.h>

/* ft_value_name writes the name of a value of that argument type ("STATUS_PENDING", "DISPATCH",
 * "PNP:START_DEVICE") and returns its length, snprintf convention; 0 when the value has no name and
 * prints as a number. */
size_t ft_value_name(enum ft_arg_type type, uint64_t value, char *text, size_t capacity);

/* ft_value_named finds the value of a name. False when the type has no such name. */
int ft_value_named(enum ft_arg_type type, const char *name, size_t length, uint64_t *ret);

/* Name of a layer ("driver"), NULL for none; and back, -1 for none. */
const char *ft_layer_name(unsigned layer);
int ft_layer_named(const char *name, size_t length);

/* Name of a handle class ("irp"), NULL for none; and back, 0 for none. */
const char *ft_handle_class_name(unsigned handle_class);
unsigned ft_handle_class_named(const char *name, size_t length);

#endif
