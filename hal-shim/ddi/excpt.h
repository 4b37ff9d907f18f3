/*
 * excpt.h: structured exception handling; see ft_seh.h.
 */
#ifndef _INC_EXCPT
#define _INC_EXCPT

#include "ft_seh.h"

#endif
