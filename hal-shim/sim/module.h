/* Modules and driver descriptions.
 *
 * A module is one (core, mutant, flavour): driver objects and device model, partially linked, with
 * every symbol localised but one descriptor, ft_module_<id>. The build generates the descriptor. A
 * statically linked module registers itself in the linker section ft_modules; one in a shared
 * object is found by the symbol name ft_module.
 */
#ifndef FT_SIM_MODULE_H
#define FT_SIM_MODULE_H

#include "device.h"

#include <stdint.h>

enum { FT_BARS_MAX = 6, FT_DESCRIPTION_DEVICES_MAX = 2, FT_LINES_MAX = 2, FT_CONTROLS_MAX = 8 };

enum ft_driver_model { FT_MODEL_WDM, FT_MODEL_KMDF, FT_MODEL_SCSIPORT };

/* Requests a driver takes; bits of ft_description.requests. */
enum {
    FT_TAKES_READ = 1,
    FT_TAKES_WRITE = 2,
    FT_TAKES_IOCTL = 4,
    FT_TAKES_BLOCKS = 8, /* a SCSI miniport: the disk ops */
    /* Not of ft_description.requests, but of ft_takes: it has two devices. */
    FT_TAKES_FOR_TWO = 16,
    FT_TAKES_ALL = 31
};

/* What the machine must offer a driver. Stored in the trace as lines `key=value`
 * (ft_description_to_text). */
struct ft_description {
    const char *name;     /* "wdm-packet" */
    uint8_t model;        /* enum ft_driver_model */
    uint8_t devices;      /* devices of this driver, 1..2 */
    uint8_t windows;      /* 50 = 2000, 51 = XP, 60 = Vista, 61 = 7, 62 = 8, 100 = 10; below 60
                             PoStartNextPowerIrp is due */
    uint8_t dma_version;  /* most that IoGetDmaAdapter grants: 1, 2 or 3 */
    uint8_t kmdf_version; /* major * 100 + minor, 0 for none; stored as is */
    uint8_t requests;     /* FT_TAKES_* */
    uint8_t irq_level;    /* DIRQL of the interrupt, 0: none */
    uint8_t irq_vector;
    uint32_t bar_bytes[FT_BARS_MAX];   /* memory BARs; 0: none */
    uint32_t request_bytes_max;        /* longest read or write, at most 1 MiB; beyond 65024 bytes
                                          read-pages and write-pages make them */
    uint32_t flags;                    /* FT_DRIVER_* */
    uint32_t control[FT_CONTROLS_MAX]; /* device control codes it takes, the first 0 ends them */
    uint32_t pci_id;                   /* device << 16 | vendor, 0: not on a PCI bus (ISA) */
    uint32_t pci_class;                /* class << 16 | subclass << 8 | interface */
    uint16_t port_base;                /* I/O ports of an ISA part */
    uint16_t port_bytes;               /* 0: none */
    uint8_t interrupt;                 /* enum ft_interrupt_kind */
    uint8_t messages;                  /* interrupt messages of the device, 1..4 */
    uint16_t dma_channel; /* of the system DMA controller, 0..7; when dma_version is 3 its request
                             line, which the machine numbers as it likes */
    uint8_t dma_bits;     /* 8 or 16 (or 32 on a request line); 0: the device is not on a channel */
    uint8_t dma_lines;    /* request lines from dma_channel on, when there are more than one: 2 */
};

/* What scenarios are made for. */
static inline unsigned ft_takes(const struct ft_description *description)
{
    return description->requests | (description->devices > 1 ? FT_TAKES_FOR_TWO : 0u);
}

enum ft_interrupt_kind { FT_INTERRUPT_LEVEL, FT_INTERRUPT_LATCHED, FT_INTERRUPT_MESSAGES };

enum {
    FT_DRIVER_RAW_MMIO = 1,
    FT_DRIVER_WAKES = 2, /* the device can wake the machine from D3 */
    /* A driver from before Plug and Play, or of no hardware: it is loaded as a service, has no
     * AddDevice, and makes its device in DriverEntry. The machine's firmware has started the
     * hardware; requests go to the first device that the driver has named. */
    FT_DRIVER_LEGACY = 4,
    /* SCSI Port as older documents have it: it aborts a request that takes too long, and resets the
     * bus only when that fails. Without: it resets the bus at once. */
    FT_DRIVER_ABORT_FIRST = 8,
    /* Two devices have one level sensitive line; without it each has its own. */
    FT_DRIVER_SHARED_LINE = 16
};

/* The sections that hold a driver's writable data (design: restored at every reset). */
struct ft_module_data {
    unsigned char *begin;
    unsigned char *end;
};

struct ft_module {
    uint32_t abi;         /* FT_MODULE_ABI */
    const char *core;     /* "wdm-packet" */
    const char *mutant;   /* "" for the sound core */
    const char *flavour;  /* "plain", "asan", "access", "libfuzzer", "afl", "dev" */
    const char *compiler; /* "clang 14.0.6" */
    const char
        *fingerprint; /* 16 hex digits: hash of patched sources and description, or of the object */
    const char *summary; /* a mutant's one-line description, "" for the sound core */
    const struct ft_description *description;
    const struct sim_device_model *device; /* NULL: DEVICE auto */
    int (*driver_entry)(void *driver_object,
                        void *registry_path); /* DriverEntry, seen as the host sees it */
    struct ft_module_data data[2];            /* .data and .bss; begin == end when empty */
    const unsigned char *code_begin;          /* bounds of the driver's code, for call sites */
    const unsigned char *code_end;
};

enum { FT_MODULE_ABI = 4 };

#endif
