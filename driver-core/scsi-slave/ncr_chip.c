/*
 * ncr_chip.c: the registers of the chip.
 */
#include "ncr.h"

UCHAR NcrRead(PNCR_EXTENSION Extension, ULONG Port)
{
    return ScsiPortReadPortUchar(Extension->Ports + Port);
}

VOID NcrWrite(PNCR_EXTENSION Extension, ULONG Port, UCHAR Value)
{
    ScsiPortWritePortUchar(Extension->Ports + Port, Value);
}

VOID NcrCommand(PNCR_EXTENSION Extension, UCHAR Command)
{
    NcrWrite(Extension, NCR_COMMAND, Command);
}

BOOLEAN NcrIsGone(PNCR_EXTENSION Extension)
{
    return NcrRead(Extension, NCR_STATUS) == NCR_ABSENT;
}

/* ---- life ---- */

/* After RESET CHIP the chip does nothing, and does not interrupt, until a NOP. */
VOID NcrHalt(PNCR_EXTENSION Extension)
{
    NcrCommand(Extension, NCR_CMD_RESET_CHIP);
}

BOOLEAN NcrSetUp(PNCR_EXTENSION Extension)
{
    NcrHalt(Extension);
    if (NcrIsGone(Extension))
        return FALSE;
    NcrCommand(Extension, NCR_CMD_NOP);
    NcrWrite(Extension, NCR_CONFIG_1, NCR_CONFIG_1_PARITY | NCR_INITIATOR);
    NcrWrite(Extension, NCR_CONFIG_2, NCR_CONFIG_2_SCSI_2);
    NcrWrite(Extension, NCR_CONFIG_3, 0);
    NcrWrite(Extension, NCR_CLOCK, NCR_CLOCK_25_MHZ);
    NcrWrite(Extension, NCR_TIMEOUT, NCR_TIMEOUT_250_MS);
    NcrWrite(Extension, NCR_PERIOD, NCR_SYNCHRONOUS_NONE);
    NcrWrite(Extension, NCR_OFFSET, NCR_SYNCHRONOUS_NONE);
    return TRUE;
}

/* ---- count and FIFO ---- */

/* A count of 64 KiB is written as 0. */
VOID NcrWriteCount(PNCR_EXTENSION Extension, ULONG Count)
{
    NcrWrite(Extension, NCR_COUNT_LOW, (UCHAR)Count);
    NcrWrite(Extension, NCR_COUNT_HIGH, (UCHAR)(Count >> 8));
}

/* What the chip has still to move over the channel, while it rests. */
ULONG NcrReadCount(PNCR_EXTENSION Extension)
{
    ULONG count = NcrRead(Extension, NCR_COUNT_LOW);

    return count | (ULONG)NcrRead(Extension, NCR_COUNT_HIGH) << 8;
}

VOID NcrSend(PNCR_EXTENSION Extension, const UCHAR *Bytes, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++)
        NcrWrite(Extension, NCR_FIFO, Bytes[i]);
}

ULONG NcrReceive(PNCR_EXTENSION Extension, UCHAR *Bytes, ULONG Most)
{
    ULONG count = NcrRead(Extension, NCR_FIFO_FLAGS) & NCR_FIFO_COUNT;
    ULONG i;

    if (count > Most)
        count = Most;
    for (i = 0; i < count; i++)
        Bytes[i] = NcrRead(Extension, NCR_FIFO);
    NcrCommand(Extension, NCR_CMD_CLEAR_FIFO);
    return count;
}
