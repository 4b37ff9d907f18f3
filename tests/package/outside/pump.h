#pragma once

#define PUMP_TAG 'pmuP'

#define WPP_CONTROL_GUIDS                                                                          \
    WPP_DEFINE_CONTROL_GUID(PumpGuid, (89ABCDEF, 0123, 4567, 89AB, CDEF01234567),                  \
                            WPP_DEFINE_BIT(PUMP_IO))

struct PumpExtension {
    PDEVICE_OBJECT below, physical;
    PDMA_ADAPTER adapter;
    ULONG registers; // that the adapter has
    ULONG pages, length;
    PVOID base;
    IO_REMOVE_LOCK lock;
};
