/* A header above the folders of the drivers that include it. */
#ifndef APART_NAME_H
#define APART_NAME_H

#include <ntddk.h>

PCSTR ApartName(VOID);

#endif
