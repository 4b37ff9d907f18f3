/*
 * dontuse.h: in the WDK, deprecates C library routines that drivers should not use. Empty here.
 */
