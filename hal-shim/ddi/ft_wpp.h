/*
 * ft_wpp.h: software tracing (WPP) without its preprocessor.
 *
 * A driver includes "x.tmh"; flushtrace_add_driver makes that file (cmake/FlushtraceTrace.cmake),
 * with a macro for each trace function that the driver's comments declare, and it includes this
 * one. What is traced goes into the trace as the text of dbg:print events, always: there is no
 * session that would switch levels or flags off.
 */
#ifndef FT_WPP_H
#define FT_WPP_H

#include "evntrace.h"
#include "ntdef.h"

EXTERN_C_START

/* Prints a message in WPP's format: that of DbgPrint, and %!TYPE! (%!STATUS!, %!FUNC!, …). */
VOID ft_wpp_trace(ULONG Level, PCSTR Flags, PCSTR Function, PCSTR File, ULONG Line, PCSTR Format,
                  ...);
/* Evaluates its arguments. */
VOID ft_wpp_use(int Unused, ...);

EXTERN_C_END

/* (MSG, ...) in parentheses of its own. */
#define FT_WPP_OPEN(...) __VA_ARGS__

#define WPP_INIT_TRACING(...) ft_wpp_use(0, ##__VA_ARGS__)
#define WPP_CLEANUP(...)      ft_wpp_use(0, ##__VA_ARGS__)

/* The bits of the driver's control GUIDs, as constants WPP_BIT_x that count from 1. */
#define WPP_DEFINE_CONTROL_GUID(name, guid, bits) bits
#define WPP_DEFINE_BIT(name)                      WPP_BIT_##name,

/* What a driver's own macros may ask: everything is on. */
typedef struct _WPP_TRACE_CONTROL_BLOCK {
    TRACEHANDLE Logger;
    UCHAR Level;
    ULONG Flags[8];
} WPP_TRACE_CONTROL_BLOCK;

static const WPP_TRACE_CONTROL_BLOCK ft_wpp_control
    __attribute__((unused)) = {0, 0xFF, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u}};

#define WPP_CONTROL(bit)                          ft_wpp_control
#define WPP_LEVEL_ENABLED(flags)                  TRUE
#define WPP_FLAG_ENABLED(flags)                   TRUE
#define WPP_LEVEL_LOGGER(flags)                   ft_wpp_control.Logger,
#define WPP_RECORDER_LEVEL_FLAGS_FILTER(lvl, flg) TRUE
#define WPP_RECORDER_LEVEL_FLAGS_ARGS(lvl, flg)   NULL, (lvl), WPP_BIT_##flg

#endif
