/* What the I/O layer keeps: part of struct ft_machine, so that one copy of the state arena saves
 * it.
 *
 * Types only, and no Windows types: objects that the driver sees are blocks of the pool arena and
 * are known here by address. The machine has one device of the driver, or two (struct
 * ft_description.devices); a device stack is the bus driver's physical device object (PDO) and what
 * the driver attached above it. A driver that has a bus of its own may report children, each with a
 * stack of its own.
 */
#ifndef FT_IO_IO_STATE_H
#define FT_IO_IO_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FT_REQUESTS_MAX = 16, /* reads and writes that are outstanding at one time */
    FT_FILES_MAX = 4,     /* handles of the requester */
    FT_WINDOWS_MAX = 8,   /* live windows of MmMapIoSpace */
    FT_MANAGER_MAX = 16,  /* PnP and power requests that wait for their turn */
    FT_MODEL_STATE_BYTES = 2048,
    FT_BAR_STRIDE = 0x01000000, /* physical and window addresses: 16 MiB a BAR or window */
    FT_MESSAGES_MAX = 4,        /* interrupt messages of a device */
    FT_POWER_MAX = 8,           /* device power requests */
    FT_NOTIFICATIONS_MAX = 4,   /* PnP notifications */
    FT_SETTINGS_MAX = 4,        /* callbacks for power settings */
    FT_S0 = 1,                  /* the machine works: PowerSystemWorking */
    FT_D0 = 1,                  /* device power states, as Windows numbers them */
    FT_D3 = 4
};

/* The device: what sim/device.h keeps opaque. */
struct sim_device {
    uint8_t line; /* level of the interrupt line */
    uint8_t rose; /* it rose inside the call of the model that is running; the point comes after the
                     call */
    uint8_t interrupts; /* its own interrupt enable, as the model tells it */
    uint8_t resets;     /* its power-on reset runs */
    uint8_t moving;     /* a bit for each channel whose engine has begun and not ended */
    uint8_t unused[3];
    _Alignas(16) unsigned char state[FT_MODEL_STATE_BYTES];
};

enum ft_request_state {
    FT_REQUEST_FREE,
    FT_REQUEST_NEW, /* its thread has not sent it yet */
    FT_REQUEST_SENT /* the IRP is with the driver */
};

/* A read, write or device control request of the requester. */
struct ft_request {
    void *irp;         /* PIRP while SENT */
    void *buffer;      /* the requester's (output) buffer, NULL: none */
    void *system;      /* the I/O manager's copy of it, NULL: none */
    void *input;       /* the requester's input buffer, or the I/O manager's copy of it, or NULL */
    uint64_t iosb[2];  /* IO_STATUS_BLOCK of the requester */
    uint64_t by_hand;  /* bytes that the processor had written to the device when it was sent */
    uint64_t position; /* byte offset on the device */
    uint32_t bytes;
    uint32_t op_index; /* of the op that asked for it */
    uint16_t page_offset;
    uint32_t code;  /* of a device control request */
    uint8_t op;     /* FT_OP_READ, FT_OP_WRITE or FT_OP_IOCTL */
    uint8_t label;  /* 0: none */
    uint8_t state;  /* enum ft_request_state */
    uint8_t inside; /* its thread is inside the driver, and the IRP is not done */
    uint8_t file;   /* index of the handle it goes through */
    uint8_t disk;   /* of a disk: 1 + its unit, 0: no disk's */
    uint8_t how;    /* op disk-next */
    uint8_t unused[7];
    uint32_t moment; /* of a disk: when it began, or the version of what it writes */
};

enum ft_file_state {
    FT_FILE_FREE,
    FT_FILE_OPENING, /* CREATE is on its way */
    FT_FILE_OPEN,
    FT_FILE_CLEANING, /* CLEANUP was sent: no request goes through it any more */
    FT_FILE_CLOSING   /* CLOSE is on its way */
};

/* A handle of the requester. */
struct ft_file {
    void *object;   /* FILE_OBJECT */
    uint32_t order; /* of opening */
    uint32_t op_index;
    uint8_t state; /* enum ft_file_state */
    uint8_t label; /* of the op that opened it, 0: none */
    uint8_t unused[6];
};

/* An IRP that a thread of the system sends and waits for: PnP, power, and create, cleanup and
 * close. */
struct ft_send {
    uint64_t irp; /* handle of the IRP on its way; 0: none */
    uint64_t information;
    int32_t status;
    uint8_t done;
    uint8_t unused[3];
};
/* One slot for the manager, one for each handle. */
enum { FT_SEND_MANAGER, FT_SEND_HANDLE, FT_SEND_COUNT = FT_SEND_HANDLE + FT_FILES_MAX };

/* A PnP or system power request of the manager's queue. */
struct ft_manager_entry {
    uint8_t work; /* op number, or enum ft_manager_work */
    uint8_t label;
    uint8_t arg[2]; /* of the op */
    uint8_t device; /* number of the device */
    uint8_t unused[3];
    uint32_t op_index;
};

enum ft_power_request_state { FT_POWER_FREE, FT_POWER_WAITING, FT_POWER_SENT };

/* A device power or wait-wake request. */
struct ft_power_request {
    void *irp;     /* PIRP; an op's is made when it is sent */
    void *device;  /* DEVICE_OBJECT of the driver that asked, NULL: an op */
    void *context; /* of the driver, as its callback */
    void *callback;
    uint64_t handle;  /* of the IRP */
    uint64_t sent_at; /* simulated time */
    uint32_t order;   /* of asking */
    uint32_t op_index;
    uint8_t state; /* enum ft_power_request_state */
    uint8_t minor, power;
    uint8_t op;      /* op number, 0: not an op's */
    uint8_t started; /* PoStartNextPowerIrp was called for it */
    uint8_t label;
    uint8_t unused[2];
};

enum { FT_LOWER_PENDED_MAX = 4 };

/* The driver below as a world choice (lower.c). */
struct ft_lower {
    uint8_t fail_armed, fail_status, fail_kind;
    uint8_t pend_armed, pend_how, pend_kind;
    uint8_t unused[2];
    struct ft_lower_pended {
        void *irp; /* NULL: free */
        uint8_t how;
        uint8_t waits; /* for a quiet machine */
        uint8_t unused[6];
    } pended[FT_LOWER_PENDED_MAX];
};

/* What the manager does on its own account; op numbers stay below 255 and above 15. */
enum ft_manager_work {
    FT_WORK_START = 1,
    FT_WORK_TAIL_REMOVE,
    FT_WORK_DEVICE_STATE, /* the driver has invalidated its device state */
    FT_WORK_RELATIONS,    /* or its bus relations */
    FT_WORK_EJECT,        /* or asked for its ejection */
    FT_WORK_CHILDREN      /* something of that kind about its children */
};

/* A window of MmMapIoSpace. */
struct ft_window {
    uint64_t physical; /* of its first byte */
    uint64_t bytes;    /* 0: free */
};

/* What there is of each device: one for the first, and one in a block for the second of a driver
 * that has two (focus.c). */
struct ft_io_device {
    void *pdo;        /* DEVICE_OBJECT of the bus driver for the device */
    void *children;   /* struct ft_child: what the driver has reported on its bus */
    void *child;      /* the one that the manager deals with, NULL: the device itself */
    void *properties; /* device properties that the driver has set */
    uint16_t pdo_id;  /* handle id of the PDO, or of a legacy driver's device (0: not made yet):
                         the device of an event's header */
    uint8_t number;   /* 0, or 1: the second */

    /* --- driver and handle --- */
    uint8_t added;    /* AddDevice succeeded */
    uint8_t open;     /* handles of the requester that were opened and not closed */
    uint8_t opened;   /* the driver let the requester in once */
    uint8_t removing; /* REMOVE is due: nobody enters the driver with a new request any more */

    /* --- PnP and power --- */
    uint8_t pnp;        /* enum ft_pnp_state */
    uint8_t pnp_before; /* where CANCEL_REMOVE leads back to */
    uint8_t power;      /* of the hardware, FT_D0 .. FT_D3 */
    uint8_t told_power; /* what the driver last told PoSetPowerState */
    uint8_t lost_power; /* the device was in D0 when the machine went to sleep */
    uint8_t starting;   /* a START is on its way, or the START that begins the run is due */
    uint8_t start_next_owed, system_owed; /* PoStartNextPowerIrp was not called for the last one */
    uint8_t system_started;               /* it was for the system request on its way */
    uint8_t wake_state;                   /* of the wait-wake request that the bus driver holds */
    uint8_t owed_awake;                   /* work that the sleeping machine puts off, as bits */
    void *wake_irp;                       /* that request, NULL: none */
    void *idle;                           /* idle detection of the driver, NULL: none */
    uint32_t power_order;
    struct ft_power_request power_request[FT_POWER_MAX];
    struct ft_send send[FT_SEND_COUNT];

    struct ft_lower lower;

    /* --- requests --- */
    struct ft_file file[FT_FILES_MAX];
    struct ft_request request[FT_REQUESTS_MAX];
    uint64_t by_hand;       /* bytes that the processor has written to the device */
    uint64_t by_hand_since; /* the same when a request was last completed */
    uint64_t position;      /* where the next request begins on the device */

    /* --- interrupt: a bit for each input of the controller --- */
    void *interrupt[FT_MESSAGES_MAX]; /* the connected KINTERRUPT of an input, NULL: none */
    uint8_t latched;                  /* an edge or message came and was not served yet */
    uint8_t late_armed, line_held;    /* late-interrupt: armed; interrupts held back */
    uint8_t lose_armed, line_lost;    /* lost-interrupt: armed; interrupts not seen */
    uint8_t spurious;                 /* interrupts to deliver that no device asked for */

    /* --- hardware --- */
    uint8_t yanked;
    uint8_t decodes;   /* the bus driver has given the device its resources */
    uint8_t elsewhere; /* a rebalance has moved them */
    uint8_t assigned;  /* the same, as the last START says */
    uint8_t pci_line;
    uint16_t pci_command;
    uint16_t bus_references; /* to the bus interface, by the driver */
    uint8_t files[4];        /* paging, hibernation and dump files in the device's path */
    uint8_t hostile_armed;
    uint8_t hostile_left; /* reads before the one that is replaced */
    uint16_t hostile_value;
    struct sim_device device;
};

/* What there is of the machine, and its devices. */
struct ft_io_state {
    struct ft_io_device *at;     /* the device in focus (focus.c) */
    struct ft_io_device *second; /* NULL: the driver has one device */

    /* --- objects --- */
    void *bus_driver;        /* DRIVER_OBJECT of the bus driver */
    void *driver;            /* DRIVER_OBJECT of the driver */
    void *registry_path;     /* UNICODE_STRING that DriverEntry gets */
    void *links;             /* struct ft_name: symbolic links */
    void *interfaces;        /* struct ft_name: device interfaces */
    void *extensions;        /* of driver objects */
    void *reinitializations; /* routines to call once DriverEntry has returned */
    void *wmi;               /* registrations with WMI */
    void *configuration;     /* CONFIGURATION_INFORMATION */
    uint32_t link_count, reinitialization_count;
    uint8_t entered; /* DriverEntry succeeded */
    uint8_t unloaded;
    uint8_t honest;  /* the tail has made the devices honest */
    uint8_t gave_up; /* the tail has cancelled what a stuck manager waits for */

    /* --- PnP and power --- */
    uint8_t system; /* power state of the machine, as Windows numbers them; FT_S0: it works */
    uint8_t action; /* POWER_ACTION of the last change of it */
    uint8_t manager_busy;
    uint8_t queue_count;
    struct ft_manager_entry queue[FT_MANAGER_MAX];
    void *notification[FT_NOTIFICATIONS_MAX]; /* registered PnP notifications */
    void *setting[FT_SETTINGS_MAX];           /* registered power settings */

    uint64_t cancel_lock; /* the cancel spin lock: task id of its owner, 0 free */
    uint8_t engine_at;    /* number of the device whose engine goes on first */
    uint8_t window_next;  /* where the search for a free window begins, so that a stale one is not
                             soon reused */
    struct ft_window window[FT_WINDOWS_MAX];

    struct ft_io_device first;
};

_Static_assert(sizeof(struct ft_io_state) < 6144, "the I/O layer's state has outgrown its place");

#endif
