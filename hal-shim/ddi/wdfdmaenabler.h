/* DMA enablers. */
#ifndef _WDFDMAENABLER_H_
#define _WDFDMAENABLER_H_

#include "wdfobject.h"

typedef enum _WDF_DMA_DIRECTION {
    WdfDmaDirectionReadFromDevice = FALSE,
    WdfDmaDirectionWriteToDevice = TRUE
} WDF_DMA_DIRECTION;

#endif
