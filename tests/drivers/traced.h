/* A driver that traces as WPP drivers do: a control GUID, functions declared in comments. */
#ifndef TRACED_H
#define TRACED_H

#define WPP_CONTROL_GUIDS                                                                          \
    WPP_DEFINE_CONTROL_GUID(TracedGuid, (01234567, 89AB, CDEF, 0123, 456789ABCDEF),                \
                            WPP_DEFINE_BIT(TRACED_INIT) WPP_DEFINE_BIT(TRACED_IO))

#define WPP_LEVEL_FLAGS_LOGGER(lvl, flags) WPP_LEVEL_LOGGER(flags)
#define WPP_LEVEL_FLAGS_ENABLED(lvl, flags)                                                        \
    (WPP_LEVEL_ENABLED(flags) && WPP_CONTROL(WPP_BIT_##flags).Level >= lvl)

/* The status is evaluated once, and afterwards known by this name. */
#define WPP_LEVEL_FLAGS_RESULT_PRE(level, flags, result)                                           \
    {                                                                                              \
        NTSTATUS tracedResult = result;
#define WPP_LEVEL_FLAGS_RESULT_POST(level, flags, result)                                          \
    ;                                                                                              \
    }

//
// begin_wpp config
// FUNC TracedError{LEVEL=TRACE_LEVEL_ERROR}(FLAGS, MSG, ...);
// FUNC TracedEnter{LEVEL=TRACE_LEVEL_VERBOSE,FLAGS=TRACED_IO}(...);
// USEPREFIX(TracedEnter, "%!STDPREFIX! [%!FUNC!] enter");
// FUNC TracedExit{LEVEL=TRACE_LEVEL_VERBOSE,FLAGS=TRACED_IO}(RESULT);
// USEPREFIX(TracedExit, "[%!FUNC!] exit: ");
// USESUFFIX(TracedExit, "%!STATUS!", tracedResult);
// FUNC KdPrint{LEVEL=TRACE_LEVEL_INFORMATION,FLAGS=TRACED_INIT}((MSG, ...));
// FUNC TracedLog{FLAGS=TRACED_IO}(IFRLOG, LEVEL, (MSG, ...));
// end_wpp
//

#endif
