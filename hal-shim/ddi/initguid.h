/*
 * initguid.h: include it before the headers whose GUIDs this source file shall define.
 * It may come after headers that only declared theirs; DEFINE_GUID is made anew here.
 */
#ifndef INITGUID
#define INITGUID
#endif
#include "guiddef.h"
#ifdef DEFINE_DEVPROPKEY
#include "devpropdef.h"
#endif
