/* What the DMA layer keeps: part of struct ft_machine, so that one copy of the state arena saves
 * it.
 *
 * Types only, and no Windows types: what the driver sees are blocks of the pool arena, known here
 * by address. Terms: a map register is one page of the bounce area and one page of a driver's
 * budget; a register file is the run of registers that one AllocateAdapterChannel was granted; a
 * mapping is one successful MapTransfer that was not flushed. Everything is zero when empty.
 */
#ifndef FT_DMA_DMA_STATE_H
#define FT_DMA_DMA_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FT_DMA_TASKS_MAX = 32,   /* FT_TASKS_MAX of the machine */
    FT_DMA_FRAMES_MAX = 320, /* FT_FRAMES_MAX of the machine */
    FT_DMA_ADAPTERS_MAX = 4,
    FT_DMA_GRANTS_MAX = 24,   /* channel and list requests, waiting or granted */
    FT_DMA_MAPPINGS_MAX = 96, /* live at one time */
    FT_DMA_COMMONS_MAX = 12,
    FT_DMA_PAGES_MAX = 16,     /* allocations of pages that are live at one time */
    FT_DMA_BUFFERS_MAX = 40,   /* buffers of requests, and system buffers */
    FT_DMA_ENDED_MAX = 4,      /* lists that were put, kept to name them */
    FT_DMA_REGISTERS_MAX = 256 /* map registers of the machine, pages of the bounce area */
};

/* An adapter that was got and not put. */
struct ft_dma_adapter {
    void *block;           /* its DMA_ADAPTER, NULL: free slot */
    uint32_t id;           /* of its handle */
    uint32_t registers;    /* most that one channel request may ask for */
    uint32_t maximum;      /* bytes of one operation, as the driver declared */
    uint32_t channel;      /* id of the grant that holds the channel, 0: free */
    uint64_t mapped_bytes; /* since the last flush */
    uint16_t references;   /* gets that were not put */
    uint8_t version;       /* of its table: 1 to 3 */
    uint8_t scatter_gather;
    uint8_t reach; /* address bits that the device drives: 1 to 64 */
    uint8_t slave; /* on a channel of the system DMA controller */
    uint8_t demand, auto_initialize, ignore_count;
    uint8_t damaged; /* the driver changed it, which was said */
    uint8_t device;  /* number of the device that it was got for */
    uint8_t unused;
    uint16_t system_channel; /* 0..7; of version 3: its request line */
    uint16_t domain;         /* it has joined, 0: its own */
};

/* Through which table and as which member the running task has entered: read once. */
struct ft_dma_entry {
    uint8_t table; /* 1 + slot of the adapter, 0: through none */
    uint8_t member;
};

/* A channel of the system DMA controller, as an 8237A keeps it: units are bytes on channels 0 to 3
 * and words on channels 5 to 7; a count is one less than the units. */
struct ft_system_channel {
    uint16_t base_address, base_count;
    uint16_t address, count; /* current */
    uint8_t page;            /* page register */
    uint8_t mode;            /* mode register, without the number of the channel */
    uint8_t masked;
    uint8_t terminal; /* the terminal count was reached since the channel was programmed */
};

enum ft_grant_state { FT_GRANT_FREE, FT_GRANT_WAITING, FT_GRANT_GRANTED };

/* One AllocateAdapterChannel or GetScatterGatherList from its call until channel and registers are
 * back. */
struct ft_dma_grant {
    void *base;     /* MapRegisterBase: a block of class FT_HC_GRANT */
    void *list;     /* struct ft_dma_list, the block itself, or NULL for a channel request */
    void *transfer; /* struct ft_dma_transfer of a request of version 3, else NULL */
    void *device;   /* PDEVICE_OBJECT */
    void *irp;      /* PIRP, CurrentIrp of the device at the call */
    void *routine;  /* PDRIVER_CONTROL or PDRIVER_LIST_CONTROL */
    void *context;
    uint32_t id;      /* of its handle */
    uint32_t adapter; /* id of the adapter's handle */
    uint32_t order;   /* first come, first served */
    uint16_t first;   /* first register of the file */
    uint16_t count;   /* registers of the file */
    uint16_t request; /* IRP handle id, 0: none */
    uint16_t label;
    uint8_t state;      /* enum ft_grant_state */
    uint8_t channel;    /* it holds the channel */
    uint8_t registers;  /* it holds the register file */
    uint8_t in_control; /* AdapterControl is about to run or runs */
    uint8_t unused[4];
};

struct ft_dma_mapping {
    uint64_t logical; /* where the device finds its first byte */
    uint8_t *va;      /* CurrentVa, an index into the MDL and never dereferenced */
    uint8_t *memory;  /* the processor's address of its first byte */
    const void *mdl;  /* PMDL it was made from */
    uint32_t id;      /* of its handle, 0: free slot */
    uint32_t grant;   /* id of the grant's handle */
    uint32_t adapter; /* id of the adapter's handle */
    uint32_t length;
    uint32_t header_sum; /* of the MDL's range when it was mapped */
    uint32_t pfn_sum;    /* and of its page frame numbers */
    uint32_t residual; /* bytes at its end that the device did not move, known when it is flushed */
    uint16_t first;    /* first register it uses */
    uint16_t count;    /* registers it uses */
    uint16_t request;  /* IRP handle id, 0: none */
    uint8_t write;     /* to the device */
    uint8_t bounced;   /* the device sees the bounce pages of its registers */
};

/* A scatter/gather list that was put. */
struct ft_dma_ended {
    const void *list; /* NULL: none */
    uint32_t id;
    uint32_t unused;
};

/* A common buffer: whole frames, with physically contiguous pages of their own. */
struct ft_dma_common {
    uint64_t logical;
    uint32_t id;      /* of its handle, 0: free slot */
    uint32_t adapter; /* id of the adapter's handle */
    uint32_t length;  /* as asked; the rest of the last page is guard */
    uint16_t frame;
    uint8_t pages;  /* frames it has, at most 255 */
    uint8_t live;   /* 0: freed, kept to name it until the slot is needed */
    uint8_t cached; /* enum ft_cached */
    uint8_t unused;
    uint16_t domain; /* it was made for, 0: none in particular */
    uint32_t offset; /* of its first byte in its first frame */
    uint32_t vector; /* id of the vector it belongs to, 0: none */
    uint8_t *memory; /* the driver's own, of CreateCommonBufferFromMdl; NULL: its frames */
};

/* The buffer of one request. */
struct ft_dma_buffer {
    uint64_t seed; /* of its pattern */
    uint32_t bytes;
    uint16_t frame; /* first frame */
    uint16_t pages; /* 0: free slot */
    uint16_t page_offset;
    uint8_t device_writes;
    uint8_t unused[5];
    uint32_t mapped_from, mapped_to; /* hull of what was ever mapped, empty: equal */
};

/* Pages that the driver has allocated. */
struct ft_dma_pages {
    uint64_t bytes; /* as asked */
    uint32_t id;    /* of the handle, 0: free slot; of the MDL when they belong to one */
    uint16_t frame;
    uint8_t pages;
    uint8_t what; /* the last argument of pages:alloc */
};

struct ft_dma_state {
    struct ft_dma_adapter adapter[FT_DMA_ADAPTERS_MAX];
    struct ft_dma_grant grant[FT_DMA_GRANTS_MAX];
    struct ft_dma_mapping mapping[FT_DMA_MAPPINGS_MAX];
    struct ft_dma_ended ended[FT_DMA_ENDED_MAX];
    struct ft_dma_common common[FT_DMA_COMMONS_MAX];
    struct ft_dma_buffer buffer[FT_DMA_BUFFERS_MAX];
    struct ft_dma_pages pages[FT_DMA_PAGES_MAX];
    /* By frame: bit per cache line that the processor wrote and memory does not have. */
    uint64_t dirty[FT_DMA_FRAMES_MAX];
    uint8_t frame_used[FT_DMA_FRAMES_MAX];       /* 0: free */
    uint64_t granted[FT_DMA_REGISTERS_MAX / 64]; /* registers in a file */
    uint64_t mapped[FT_DMA_REGISTERS_MAX / 64];  /* registers in a live mapping */
    struct ft_dma_entry entry[FT_DMA_TASKS_MAX]; /* by task */
    struct ft_system_channel system[8];
    uint64_t site;            /* caller of the member that is entered */
    uint64_t logical_next[2]; /* next unused page of the two logical ranges */
    uint32_t order_next;
    uint32_t waiting;       /* grants that wait */
    uint16_t mappings_high; /* slots of mappings below this number have been used */
    uint16_t mappings_live;
    uint32_t ended_next;
    uint16_t frames_high; /* frames below this number have been used in this run */
    uint16_t bounce_high; /* the same for bounce pages */
    uint16_t domains;     /* made so far */
    uint16_t few_left;    /* few-registers: registers that may still be granted */
    uint8_t flush_fails;  /* flush-fails: the next one does */
    uint8_t flush_lost;   /* and this is it */
    uint8_t few_armed;
    uint8_t defer_armed;
    uint8_t short_armed;
    uint8_t short_pages;
    uint8_t fail_probe;      /* the driver's next lock of pages fails */
    uint8_t completions_due; /* completion routines that wait for a processor */
    uint8_t unused[2];
};

_Static_assert(sizeof(struct ft_dma_state) < 16 * 1024,
               "the DMA layer's state has outgrown its place");

#endif
