/*
 * devioctl.h: device types, and CTL_CODE, which packs device type, access, function and transfer
 * method into the code of a device control request.
 */
#ifndef _DEVIOCTL_
#define _DEVIOCTL_

#ifndef DEVICE_TYPE
#define DEVICE_TYPE ULONG
#endif

#define FILE_DEVICE_BEEP             0x00000001
#define FILE_DEVICE_CD_ROM           0x00000002
#define FILE_DEVICE_CONTROLLER       0x00000004
#define FILE_DEVICE_DISK             0x00000007
#define FILE_DEVICE_FILE_SYSTEM      0x00000009
#define FILE_DEVICE_INPORT_PORT      0x0000000a
#define FILE_DEVICE_KEYBOARD         0x0000000b
#define FILE_DEVICE_MOUSE            0x0000000f
#define FILE_DEVICE_NETWORK          0x00000012
#define FILE_DEVICE_NULL             0x00000015
#define FILE_DEVICE_PARALLEL_PORT    0x00000016
#define FILE_DEVICE_PHYSICAL_NETCARD 0x00000017
#define FILE_DEVICE_SCANNER          0x00000019
#define FILE_DEVICE_SERIAL_PORT      0x0000001b
#define FILE_DEVICE_SCREEN           0x0000001c
#define FILE_DEVICE_SOUND            0x0000001d
#define FILE_DEVICE_STREAMS          0x0000001e
#define FILE_DEVICE_TAPE             0x0000001f
#define FILE_DEVICE_TRANSPORT        0x00000021
#define FILE_DEVICE_UNKNOWN          0x00000022
#define FILE_DEVICE_VIDEO            0x00000023
#define FILE_DEVICE_VIRTUAL_DISK     0x00000024
#define FILE_DEVICE_WAVE_IN          0x00000025
#define FILE_DEVICE_WAVE_OUT         0x00000026
#define FILE_DEVICE_8042_PORT        0x00000027
#define FILE_DEVICE_BATTERY          0x00000029
#define FILE_DEVICE_BUS_EXTENDER     0x0000002a
#define FILE_DEVICE_MODEM            0x0000002b
#define FILE_DEVICE_MASS_STORAGE     0x0000002d
#define FILE_DEVICE_KS               0x0000002f
#define FILE_DEVICE_CHANGER          0x00000030
#define FILE_DEVICE_SMARTCARD        0x00000031
#define FILE_DEVICE_ACPI             0x00000032
#define FILE_DEVICE_DVD              0x00000033
#define FILE_DEVICE_SERENUM          0x00000037
#define FILE_DEVICE_KSEC             0x00000039
#define FILE_DEVICE_INFINIBAND       0x0000003b

#define CTL_CODE(DeviceType, Function, Method, Access)                                             \
    (((unsigned)(DeviceType) << 16) | ((Access) << 14) | ((Function) << 2) | (Method))
#define DEVICE_TYPE_FROM_CTL_CODE(code) (((unsigned)(code)&0xffff0000) >> 16)
#define METHOD_FROM_CTL_CODE(code)      ((unsigned)(code)&3)
#define METHOD_BUFFERED                 0
#define METHOD_IN_DIRECT                1
#define METHOD_OUT_DIRECT               2
#define METHOD_NEITHER                  3
#define METHOD_DIRECT_TO_HARDWARE       METHOD_IN_DIRECT
#define METHOD_DIRECT_FROM_HARDWARE     METHOD_OUT_DIRECT
#define FILE_ANY_ACCESS                 0
#define FILE_SPECIAL_ACCESS             (FILE_ANY_ACCESS)
#define FILE_READ_ACCESS                0x0001
#define FILE_WRITE_ACCESS               0x0002

#endif
