/* Drivers that do one wrong thing to the process in DriverEntry. Whatever they do, a trace with a
 * verdict must remain. */
#ifndef FAULTY_H
#define FAULTY_H

#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

#endif
