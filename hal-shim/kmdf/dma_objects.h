/* Enablers, transactions and common buffers, between the files that make them (kmdf sheet, 1 to 3).
 *
 * What goes to the HAL goes through the adapter's DMA_OPERATIONS, as from any driver. A list or
 * packet routine of the HAL's may run, and end the transaction, before the call that asked for it
 * returns: nothing touches a transaction after such a call unless it holds a reference.
 */
#ifndef FT_KMDF_DMA_OBJECTS_H
#define FT_KMDF_DMA_OBJECTS_H

#include "kmdf/kmdf_private.h"
#include "sim/wdf_dma_words.h"

/* An event of the driver's call, in helpers that have no FT_WDF_BEGIN. */
#define ft_wdf_driver_event(kind, ...)                                                             \
    do {                                                                                           \
        uint8_t ft_layer_before = ft_layer_set(FT_LAYER_DRIVER);                                   \
        ft_emit(kind, ##__VA_ARGS__);                                                              \
        ft_layer_set(ft_layer_before);                                                             \
    } while (0)

/* One direction's adapter. */
struct ft_wdf_adapter {
    PDMA_ADAPTER adapter; /* NULL: a direction of a system profile that is not configured */
    ULONG registers;
    size_t fragment_most;
};

/* How an enabler joins and leaves the device's list, which is locked while callbacks run. */
enum ft_enabler_listed {
    FT_ENABLER_NOT_LISTED,
    FT_ENABLER_JOINS,
    FT_ENABLER_LISTED,
    FT_ENABLER_LEAVES
};

struct ft_wdf_enabler {
    struct ft_wdf_object object;
    struct ft_wdf_enabler *next; /* of the device, in creation order */
    WDF_DMA_ENABLER_CONFIG config;
    struct ft_wdf_adapter direction[2]; /* read, write */
    PSCATTER_GATHER_LIST system_list;   /* system profiles: for every transaction */
    uint32_t list_bytes;                /* of a preallocated list, or of system_list; 0: none */
    size_t elements_most;
    ULONG alignment; /* mask */
    uint8_t version;
    uint8_t listed; /* enum ft_enabler_listed */
    uint8_t fill_failed, enable_failed, start_failed;
};

struct ft_wdf_tx;

/* What the kinds of transactions do differently. All at any IRQL that the driver has. */
struct ft_wdf_tx_kind {
    NTSTATUS (*prepare)(struct ft_wdf_tx *tx); /* the end of Initialize */
    NTSTATUS (*start)(struct ft_wdf_tx *tx);
    NTSTATUS (*stage)(struct ft_wdf_tx *tx);  /* the next fragment */
    NTSTATUS (*finish)(struct ft_wdf_tx *tx); /* of the present fragment: flush */
    void (*release)(struct ft_wdf_tx *tx, bool forced);
};
extern const struct ft_wdf_tx_kind ft_wdf_tx_lists, ft_wdf_tx_packets;

struct ft_wdf_tx {
    struct ft_wdf_object object;
    struct ft_wdf_enabler *enabler;
    const struct ft_wdf_tx_kind *kind;
    struct ft_wdf_adapter *adapter; /* from Initialize to the end of the transfer */
    PFN_WDF_PROGRAM_DMA program;
    void *program_context;
    WDFREQUEST request;
    PMDL mdl, fragment_mdl;
    uint64_t offset, fragment_offset; /* in those MDLs */
    size_t fragment, fragment_most;
    size_t total, left, moved;
    uint16_t serves;   /* IRP handle id of what it works for */
    uint8_t state;     /* enum ft_tx_state */
    uint8_t write;     /* direction */
    uint8_t single;    /* RequireSingleTransfer */
    uint8_t at_once;   /* immediate execution */
    uint8_t held;      /* it holds the request */
    uint8_t cancelled; /* system: StopSystemTransfer */
    uint8_t context_there;

    /* lists */
    PSCATTER_GATHER_LIST list; /* of the present fragment */
    void *buffer;              /* for it, NULL: the HAL's */
    uint32_t buffer_bytes;

    /* packets */
    void *base; /* MapRegisterBase */
    ULONG needed, reserved;
    uint8_t base_set;
    uint8_t staging;      /* a fragment is being staged */
    uint8_t stage_again;  /* … and the next one is to follow */
    uint8_t complete_due; /* … and the HAL's completion routine came meanwhile */
    uint8_t completion;   /* DMA_COMPLETION_STATUS of that */
    PFN_WDF_RESERVE_DMA reserve;
    void *reserve_context;
    unsigned char own_list[sizeof(SCATTER_GATHER_LIST) + sizeof(SCATTER_GATHER_ELEMENT)]
        __attribute__((aligned(8)));

    /* system profiles */
    PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL configure;
    void *configure_context;
    PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE complete;
    void *complete_context;
    ULONG device_offset;

    unsigned char context[DMA_TRANSFER_CONTEXT_SIZE_V1] __attribute__((aligned(16)));
};

/* ---- dma_enabler.c ---- */

bool ft_wdf_enabler_is_system(const struct ft_wdf_enabler *enabler);
bool ft_wdf_enabler_is_packet(const struct ft_wdf_enabler *enabler);
bool ft_wdf_enabler_is_duplex(const struct ft_wdf_enabler *enabler);
/* NULL for a direction that a system profile has not configured. */
struct ft_wdf_adapter *ft_wdf_enabler_direction(struct ft_wdf_enabler *enabler,
                                                WDF_DMA_DIRECTION direction);
/* Gets the adapter of a direction: event wdf:enabler-hal. */
NTSTATUS ft_wdf_enabler_get_adapter(struct ft_wdf_enabler *enabler, unsigned direction,
                                    DEVICE_DESCRIPTION *description);

/* ---- dma_power.c ---- */

void ft_wdf_enabler_join(struct ft_wdf_enabler *enabler);
void ft_wdf_enabler_leave(struct ft_wdf_enabler *enabler);

/* ---- dma_transaction.c ---- */

struct ft_wdf_tx *ft_wdf_tx_check(WDFDMATRANSACTION handle);
/* The call is one that none of those states (bits) allows: event, bug check 0x10D/8. */
void ft_wdf_tx_must(const struct ft_wdf_tx *tx, enum ft_tx_call call, unsigned states);
/* … nor one that waits for a reservation. */
void ft_wdf_tx_must_be_idle(const struct ft_wdf_tx *tx, enum ft_tx_call call, unsigned states);
/* What KMDF Verifier's debug break is here: event wdf:tx-bad. */
void ft_wdf_tx_break(const struct ft_wdf_tx *tx, enum ft_tx_call call);
/* The framework follows a null pointer of the transaction's. */
_Noreturn void ft_wdf_tx_null(const struct ft_wdf_tx *tx, enum ft_tx_call call);
/* Puts the transaction back to what it was when new; forced: the reservation goes, too. */
void ft_wdf_tx_reuse(struct ft_wdf_tx *tx, bool forced);
/* Lets go of the request, but remembers it. */
void ft_wdf_tx_let_go(struct ft_wdf_tx *tx);
/* Calls EvtProgramDma. */
void ft_wdf_tx_program(struct ft_wdf_tx *tx, PSCATTER_GATHER_LIST list, bool own_list);

/* The transaction serves its request while the HAL is called: returns what the task served. */
uint16_t ft_wdf_tx_serve(const struct ft_wdf_tx *tx);
#define FT_WDF_TX_HAL(tx, call)                                                                    \
    do {                                                                                           \
        uint16_t ft_served = ft_wdf_tx_serve(tx);                                                  \
        KIRQL ft_irql_before = PASSIVE_LEVEL;                                                      \
        KeRaiseIrql(DISPATCH_LEVEL, &ft_irql_before);                                              \
        call;                                                                                      \
        KeLowerIrql(ft_irql_before);                                                               \
        ft_current()->request = ft_served;                                                         \
    } while (0)

/* Registers for `length` bytes from there on; *possible (or NULL) as much of it, in whole MDLs, as
 * `most` registers can hold. */
NTSTATUS ft_wdf_tx_registers(const MDL *mdl, uint64_t offset, size_t length, ULONG most,
                             size_t *possible, ULONG *registers);

/* ---- dma_packet.c ---- */

/* WdfDmaTransactionAllocateResources, from the state on. */
NTSTATUS ft_wdf_tx_reserve(struct ft_wdf_tx *tx, WDF_DMA_DIRECTION direction, ULONG registers,
                           PFN_WDF_RESERVE_DMA reserve, void *context);

/* ---- dma_system.c ---- */

/* Calls EvtDmaTransactionConfigureDmaChannel; false: staging ends here. */
bool ft_wdf_tx_configure(struct ft_wdf_tx *tx);
/* What MapTransferEx gets as completion routine. */
PDMA_COMPLETION_ROUTINE ft_wdf_tx_routine(const struct ft_wdf_tx *tx);
/* Calls EvtDmaTransactionDmaTransferComplete. */
void ft_wdf_tx_complete(struct ft_wdf_tx *tx, DMA_COMPLETION_STATUS status);

#endif
