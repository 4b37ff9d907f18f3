/* A source of two drivers, neither of which lies in this folder. */
#include "apart_name.h"

PCSTR ApartName(VOID)
{
    return "from above";
}
