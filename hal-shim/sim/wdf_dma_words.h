/* Numbers that the framework's DMA events carry. */
#ifndef FT_SIM_WDF_DMA_WORDS_H
#define FT_SIM_WDF_DMA_WORDS_H

/* States of a transaction, as KMDF numbers them. */
enum ft_tx_state {
    FT_TX_INVALID,
    FT_TX_CREATED,
    FT_TX_RESERVED,    /* map registers were asked for, or are held */
    FT_TX_INITIALIZED, /* nothing is allocated yet */
    FT_TX_TRANSFER,    /* from Execute to its end */
    FT_TX_DONE,        /* the transfer ended well */
    FT_TX_FAILED,      /* … or not, or was cancelled */
    FT_TX_RELEASED,
    FT_TX_DELETED
};

/* wdf:enabler, `how`. */
enum {
    FT_ENABLER_FILL = 0x01,
    FT_ENABLER_FLUSH = 0x02,
    FT_ENABLER_DISABLE = 0x04,
    FT_ENABLER_ENABLE = 0x08,
    FT_ENABLER_START = 0x10,
    FT_ENABLER_STOP = 0x20,
    FT_ENABLER_NO_LISTS = 0x100, /* lists are not preallocated */
    FT_ENABLER_SINGLE = 0x200,   /* transactions begin with single transfer */
    FT_ENABLER_LATE = 0x1000,    /* the DMA power-up of this D0 period is over */
    FT_ENABLER_IN_WALK = 0x2000, /* an enabler callback of the device runs */
    FT_ENABLER_WIDTH_SHIFT = 16  /* address bits, above */
};

/* wdf:enabler-call, `what`. */
enum {
    FT_ENABLER_GET_MAXIMUM,
    FT_ENABLER_GET_ELEMENTS,
    FT_ENABLER_SET_ELEMENTS,
    FT_ENABLER_GET_FRAGMENT,
    FT_ENABLER_GET_ADAPTER
};

/* wdf:tx-bad, `call`. */
enum ft_tx_call {
    FT_TX_CALL_INITIALIZE,
    FT_TX_CALL_EXECUTE,
    FT_TX_CALL_COMPLETED,
    FT_TX_CALL_RELEASE,
    FT_TX_CALL_DELETE,
    FT_TX_CALL_CANCEL,
    FT_TX_CALL_RESERVE,
    FT_TX_CALL_FREE,
    FT_TX_CALL_TRANSFER_INFO,
    FT_TX_CALL_SET_SINGLE,
    FT_TX_CALL_SET_IMMEDIATE,
    FT_TX_CALL_GET_CONTEXT,
    FT_TX_CALL_SET_MAXIMUM,
    FT_TX_CALL_STOP,
    FT_TX_CALL_SET_OFFSET,
    FT_TX_CALL_SET_CONFIGURE,
    FT_TX_CALL_SET_COMPLETE,
    FT_TX_CALL_LENGTH /* DmaCompletedWithLength or …Final: longer than the fragment */
};
enum { FT_TX_BAD_STOPS, FT_TX_BAD_BREAKS, FT_TX_BAD_NULL };

/* wdf:tx-ask, `what`; wdf:tx-set has numbers of enum ft_tx_call. */
enum {
    FT_TX_ASK_BYTES,
    FT_TX_ASK_FRAGMENT,
    FT_TX_ASK_REQUEST,
    FT_TX_ASK_DEVICE,
    FT_TX_ASK_INFO,
    FT_TX_ASK_CONTEXT
};

/* wdf:tx-init and wdf:tx-completed, `how`. */
enum { FT_TX_BY_MDL, FT_TX_BY_OFFSET, FT_TX_BY_REQUEST };
enum { FT_TX_PLAIN, FT_TX_WITH_LENGTH, FT_TX_FINAL };

#endif
