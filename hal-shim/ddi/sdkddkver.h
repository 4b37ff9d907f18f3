/*
 * sdkddkver.h: the SDK's name for wdm_version.h.
 */
#include "wdm_version.h"
