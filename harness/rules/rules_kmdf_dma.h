/* What the rules of enablers and transactions share. */
#ifndef FT_RULES_KMDF_DMA_H
#define FT_RULES_KMDF_DMA_H

#include "rules/rules_io.h"

#include "sim/wdf_dma_words.h"

#define FT_NT_INVALID_PARAMETER 0xC000000Du
#define FT_NT_WDF_BUSY          0xC0200204u

/* ---- rules_kmdf_enabler_note.c ---- */

/* struct ft_rs_wdf_device.powered, of a device that is known to be out of D0. */
enum { FT_WDF_NOT_POWERED = 2 };

/* NULL: the table is full. */
struct ft_rs_wdf_device *ft_wdf_device_get(struct ft_rules *rules, uint32_t id);

/* The adapter whose memory stands at that logical address, 0: none. */
uint32_t ft_adapter_at(const struct ft_rules *rules, uint64_t address);

/* FT_ENABLER_* of a callback, 0: the routine is none; *up: of the way up. */
unsigned ft_enabler_callback(uint64_t routine, bool *up);

/* Grants, lists and common buffers that are there now. */
unsigned ft_dma_resources(const struct ft_rules *rules);

/* ---- rules_kmdf_dma_note.c ---- */

/* NULL: there is none. */
struct ft_rs_tx *ft_tx_find(struct ft_rules *rules, uint32_t id);
uint64_t ft_tx_handle(const struct ft_rs_tx *tx);

#endif
