/* The counters' runtime, linked into programs whose driver objects count their lines (flavour
 * coverage). */
#include "coverage/coverage.h"

/* With this symbol the runtime does not write a file at the end of every program: only
 * `flushtrace coverage` writes one, where it wants it. */
extern int __llvm_profile_runtime;
int __llvm_profile_runtime;

int __llvm_profile_write_file(void);
void __llvm_profile_set_filename(const char *name);

bool ft_profile_write(const char *path)
{
    __llvm_profile_set_filename(path);
    return __llvm_profile_write_file() == 0;
}
