/* Children of a bus driver: the PDOs that it makes, the lists that it describes them in, and what a
 * PDO answers itself.
 *
 * A description says that a child is there (or no longer there). It goes from a change, which waits
 * while the list is scanned, iterated or enumerated, to the list of the known; the PDO is made when
 * the PnP manager asks for bus relations next. Static children are descriptions whose PDO exists
 * already. A list is under its spin lock whenever one of its description callbacks runs, so these
 * run at DISPATCH_LEVEL.
 */
#ifndef FT_KMDF_CHILDREN_H
#define FT_KMDF_CHILDREN_H

#include "kmdf/pnp_private.h"
#include "kmdf/requests.h"

#include <wdfchildlist.h>
#include <wdfpdo.h>

/* ---- descriptions ---- */

enum ft_wdf_child_state {
    FT_WDF_CHILD_NEW = 1, /* only a change yet */
    FT_WDF_CHILD_WANTED,  /* present, its PDO is still to be made */
    FT_WDF_CHILD_MADE,    /* present, with its PDO */
    FT_WDF_CHILD_ABSENT,  /* gone, and the PnP manager has not heard of it */
    FT_WDF_CHILD_REPORTED /* gone, and the PnP manager knows */
};
enum ft_wdf_child_change {
    FT_WDF_CHANGE_NONE,
    FT_WDF_CHANGE_INSERT,
    FT_WDF_CHANGE_REMOVE,
    FT_WDF_CHANGE_CLONE /* its PDO goes, and another one takes its place */
};

struct ft_wdf_description {
    struct ft_wdf_link known;  /* of the list's descriptions */
    struct ft_wdf_link change; /* of the list's changes */
    struct ft_wdf_child_list *list;
    struct ft_wdf_device *pdo;
    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id;
    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address; /* NULL: the list has none */
    uint8_t state;                                 /* enum ft_wdf_child_state */
    uint8_t what;                                  /* enum ft_wdf_child_change */
    uint8_t found;                                 /* in the last scan */
    uint8_t ended;                                 /* gone, and goes with the end of the scan */
    uint8_t tell;                                  /* EvtDeviceReportedMissing is due */
    uint8_t restarts;                              /* PDOs that took the place of one that failed */
};

struct ft_wdf_child_list {
    struct ft_wdf_object object;
    struct ft_wdf_child_list *next; /* of the device's, in creation order */
    WDF_CHILD_LIST_CONFIG config;
    KSPIN_LOCK lock;
    KIRQL irql; /* of whoever has the lock */
    struct ft_wdf_link known, changes, dead;
    uint32_t scans;  /* scans and iterations */
    uint8_t locked;  /* bus relations are being asked for */
    uint8_t static_; /* of WdfFdoAddStaticChild */
    uint8_t retries; /* of answers that lacked memory */
};

/* What describes a static child. */
struct ft_wdf_static_child {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header;
    struct ft_wdf_device *pdo;
};

/* child_list.c */
NTSTATUS ft_wdf_child_config_check(const WDF_CHILD_LIST_CONFIG *config);
NTSTATUS ft_wdf_child_list_new(struct ft_wdf_device *device, const WDF_CHILD_LIST_CONFIG *config,
                               const WDF_OBJECT_ATTRIBUTES *attributes,
                               struct ft_wdf_child_list **ret);
/* The list of a device's static children, made when it is needed first. */
NTSTATUS ft_wdf_static_list(struct ft_wdf_device *device, struct ft_wdf_child_list **ret);
/* Under the lock of the list; `leave` disposes what has become superfluous. */
void ft_wdf_children_enter(struct ft_wdf_child_list *list);
void ft_wdf_children_leave(struct ft_wdf_child_list *list);
/* Brings the changes in when nothing forbids it, and tells the PnP manager. Under the lock. */
void ft_wdf_children_settle(struct ft_wdf_child_list *list);
void ft_wdf_children_miss(struct ft_wdf_child_list *list, struct ft_wdf_description *at);
/* Has another PDO take the place of its one, unless its end is near. */
void ft_wdf_children_clone(struct ft_wdf_child_list *list, struct ft_wdf_description *at);
struct ft_wdf_description *ft_wdf_children_find(struct ft_wdf_child_list *list,
                                                PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                                                bool changes);
NTSTATUS ft_wdf_children_add(struct ft_wdf_child_list *list,
                             PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                             PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address);
void ft_wdf_children_scan(struct ft_wdf_child_list *list, bool forget);
void ft_wdf_children_scanned(struct ft_wdf_child_list *list);
void ft_wdf_children_copy_id(struct ft_wdf_child_list *list,
                             PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to,
                             PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from);
void ft_wdf_children_copy_address(struct ft_wdf_child_list *list,
                                  PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER to,
                                  PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER from);
bool ft_wdf_children_present(const struct ft_wdf_description *at);
/* The child has ended: its description goes. */
void ft_wdf_description_end(struct ft_wdf_description *at);

/* ---- PDOs ---- */

/* Text of a PDO, with one more WCHAR of zero behind `bytes`. */
struct ft_wdf_text {
    PWSTR text;
    ULONG bytes;
};

struct ft_wdf_locale_text {
    struct ft_wdf_locale_text *next;
    LCID locale;
    struct ft_wdf_text description, location;
};

enum { FT_WDF_CHILD_IDS = 6 }; /* BUS_QUERY_ID_TYPE */

/* What a PDO has besides other devices: of its init, then of the device. */
struct ft_wdf_child {
    struct ft_wdf_device *parent;
    struct ft_wdf_description *entry; /* NULL: not in it, or no longer */
    WDF_PDO_EVENT_CALLBACKS callbacks;
    struct ft_wdf_text id[FT_WDF_CHILD_IDS];
    struct ft_wdf_locale_text *texts;
    struct ft_wdf_relations ejection;
    LCID locale;
    PIRP wake_irp;  /* IRP_MN_WAIT_WAKE that it holds, NULL: none */
    uint8_t system; /* SYSTEM_POWER_STATE that it was told last */
    uint8_t wakes;  /* EvtDeviceEnableWakeAtBus has succeeded, EvtDeviceDisableWakeAtBus is due */
    uint8_t wake_news; /* the power machine is about to look at both */
    uint8_t static_, raw, forwards, independent, added;
    uint8_t known;     /* the PnP manager has asked what it needs */
    uint8_t on_parent; /* it has a power reference on its parent */
    uint8_t gone;      /* the REMOVE that runs is its last */
};

/* The bus driver says that it is gone: STATUS_NO_SUCH_DEVICE when no list has it. */
NTSTATUS ft_wdf_child_miss(struct ft_wdf_pnp *pnp);
/* EvtDeviceEject has ejected it: it is missing. */
void ft_wdf_child_ejected(struct ft_wdf_pnp *pnp);

/* It has failed: the bus is to report it anew, as another PDO. STATUS_NOT_FOUND for a static one.
 */
NTSTATUS ft_wdf_child_reenumerate(struct ft_wdf_pnp *pnp);
/* pdo.c: the PnP manager is asked to eject it. False: it does not know it yet. */
bool ft_wdf_child_request_eject(struct ft_wdf_pnp *pnp);

/* pdo_init.c */
struct ft_wdf_child *ft_wdf_child_new(struct ft_wdf_device *parent);
/* An init for a child of that device. */
ft_wdf_init *ft_wdf_child_init(struct ft_wdf_device *parent, struct ft_wdf_description *entry);

#endif
