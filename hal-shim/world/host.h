/* The host: every call of the shim to the operating system and the C library's process side goes
 * through this pair of files. */
#ifndef FT_WORLD_HOST_H
#define FT_WORLD_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps the region at its fixed address, PROT_NONE. False, with the culprit named on standard error.
 */
bool ft_host_map_region(uintptr_t base, size_t bytes);
void ft_host_unmap_region(uintptr_t base, size_t bytes);

/* Makes a part of the region readable and writable. */
bool ft_host_open(uintptr_t base, size_t bytes);

/* Memory of the host for save points; NULL when there is none. Contents survive growth. */
void *ft_host_grow(void *old, size_t old_bytes, size_t bytes);
void ft_host_release(void *memory, size_t bytes);

/* What a CPU fault looked like. */
enum ft_fault {
    FT_FAULT_WILD = 1,
    FT_FAULT_STACK,
    FT_FAULT_DIVIDE,
    FT_FAULT_ILLEGAL,
    FT_FAULT_ABORT,
    FT_FAULT_LOOP
};

/* Called on the alternate signal stack for a fault, and about every second of CPU time with
 * FT_FAULT_LOOP. `address` is what the access was to, `code` the instruction (0: unknown). It may
 * leave by a context switch; when it returns for a fault, the default action follows. */
typedef void ft_host_fault_fn(enum ft_fault fault, int signal_number, uintptr_t address,
                              uintptr_t code);
bool ft_host_catch_faults(ft_host_fault_fn *handler);
void ft_host_release_faults(void);

/* Stops in the debugger. */
void ft_host_break(void);

/* Prints to standard error; for our own failures and refused set-up only. */
void ft_host_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void ft_host_die(void);

#endif
