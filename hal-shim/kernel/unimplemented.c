/* Every DDI that the headers declare and nobody implements yet: calling one stops the run by its
 * name. */
#include "world/machine.h"

#define UNIMPLEMENTED(name)                                                                        \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        ft_unimplemented(#name);                                                                   \
    }
#include "kernel/unimplemented.def"
#undef UNIMPLEMENTED

static const char *const names[] = {
#define UNIMPLEMENTED(name) #name,
#include "kernel/unimplemented.def"
#undef UNIMPLEMENTED
};

unsigned ft_unimplemented_count(void)
{
    return sizeof names / sizeof *names;
}

const char *ft_unimplemented_name(unsigned index)
{
    return index < ft_unimplemented_count() ? names[index] : 0;
}
