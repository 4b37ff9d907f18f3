/* What save.c, task.c and faults.c need of ASan's shadow beside machine.h. */
#ifndef FT_WORLD_SHADOW_H
#define FT_WORLD_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

unsigned char *ft_shadow_of(uintptr_t address);
size_t ft_shadow_bytes(uintptr_t address, size_t bytes);

/* The application address of a faulting access: under ASan the CPU reports the shadow's. */
uintptr_t ft_fault_address(uintptr_t address);

/* The executables' sanitizer hooks call the first; points ask the second. */
void ft_sanitizer_report(void);
bool ft_sanitizer_take_report(void);

#endif
