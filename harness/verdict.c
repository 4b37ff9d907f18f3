/* Names of verdicts. */
#include "verdict.h"

const char *ft_verdict_name(enum ft_verdict_kind kind)
{
    switch (kind) {
#define VD(number, symbol, name)                                                                   \
    case FT_VERDICT_##symbol:                                                                      \
        return name;
        FT_VERDICTS(VD)
#undef VD
    }
    return "none";
}
