/* Handles: names of the world's objects that are the same in every run of a scenario.
 *
 * A handle is one 64-bit word: class in bits 56..63, id in bits 32..55, byte offset into the object
 * in bits 0..31. Ids count from 1 per class and run, so `irp#3` is the third IRP. The null handle
 * is 0 and prints as "-". An event never carries a pointer; it carries the handle of the object,
 * and the offset where that matters ("mdl#5+0x1000").
 */
#ifndef FT_SIM_HANDLE_H
#define FT_SIM_HANDLE_H

#include <stdint.h>

/* HC(number, SYMBOL, "name"): numbers are permanent. */
#define FT_HANDLE_CLASSES(HC)                                                                      \
    HC(1, TASK, "task")                                                                            \
    HC(2, IRP, "irp")                                                                              \
    HC(3, MDL, "mdl")                                                                              \
    HC(4, DEVICE, "device")                                                                        \
    HC(5, DRIVER, "driver")                                                                        \
    HC(6, POOL, "pool")                                                                            \
    HC(7, LOCK, "lock")                                                                            \
    HC(8, EVENT, "event")                                                                          \
    HC(9, DPC, "dpc")                                                                              \
    HC(10, TIMER, "timer")                                                                         \
    HC(11, INTERRUPT, "interrupt")                                                                 \
    HC(12, REMOVE_LOCK, "remove-lock")                                                             \
    HC(13, ADAPTER, "adapter")                                                                     \
    HC(14, GRANT, "grant")                                                                         \
    HC(15, MAPPING, "map")                                                                         \
    HC(16, COMMON, "common")                                                                       \
    HC(17, OTHER, "object")                                                                        \
    HC(18, SGLIST, "sg-list")                                                                      \
    HC(19, THREAD, "thread")                                                                       \
    HC(20, WORK, "work")                                                                           \
    HC(21, MUTEX, "mutex")                                                                         \
    HC(22, SEMAPHORE, "semaphore")                                                                 \
    HC(23, QUEUE, "queue")                                                                         \
    HC(24, CSQ, "csq")                                                                             \
    HC(25, FILE, "file")                                                                           \
    HC(26, RESOURCE, "resource")                                                                   \
    HC(27, KEY, "key")                                                                             \
    HC(28, INTERFACE, "interface")                                                                 \
    HC(29, LOOKASIDE, "lookaside")                                                                 \
    HC(30, PAGES, "pages")                                                                         \
    HC(31, RUNDOWN, "rundown")                                                                     \
    HC(32, CONTEXT, "context")                                                                     \
    HC(33, DOMAIN, "domain")                                                                       \
    HC(34, VECTOR, "vector")                                                                       \
    HC(40, WDF_OBJECT, "wdf-object")                                                               \
    HC(41, WDF_DRIVER, "wdf-driver")                                                               \
    HC(42, WDF_DEVICE, "wdf-device")                                                               \
    HC(43, WDF_QUEUE, "wdf-queue")                                                                 \
    HC(44, WDF_REQUEST, "wdf-request")                                                             \
    HC(45, WDF_FILE, "wdf-file")                                                                   \
    HC(46, WDF_INTERRUPT, "wdf-interrupt")                                                         \
    HC(47, WDF_DPC, "wdf-dpc")                                                                     \
    HC(48, WDF_TIMER, "wdf-timer")                                                                 \
    HC(49, WDF_WORK, "wdf-work")                                                                   \
    HC(50, WDF_SPIN_LOCK, "wdf-spin-lock")                                                         \
    HC(51, WDF_WAIT_LOCK, "wdf-wait-lock")                                                         \
    HC(52, WDF_MEMORY, "wdf-memory")                                                               \
    HC(53, WDF_LOOKASIDE, "wdf-lookaside")                                                         \
    HC(54, WDF_COLLECTION, "wdf-collection")                                                       \
    HC(55, WDF_STRING, "wdf-string")                                                               \
    HC(56, WDF_KEY, "wdf-key")                                                                     \
    HC(57, WDF_TARGET, "wdf-target")                                                               \
    HC(58, WDF_RESOURCES, "wdf-resources")                                                         \
    HC(59, WDF_ENABLER, "wdf-enabler")                                                             \
    HC(60, WDF_TRANSACTION, "wdf-transaction")                                                     \
    HC(61, WDF_COMMON, "wdf-common")                                                               \
    HC(62, WDF_CHILD_LIST, "wdf-child-list")                                                       \
    HC(63, WDF_INIT, "wdf-init")                                                                   \
    HC(64, HBA, "hba")                                                                             \
    HC(65, UNIT, "unit")                                                                           \
    HC(66, SRB, "srb")

enum ft_handle_class {
#define HC(number, symbol, name) FT_HC_##symbol = number,
    FT_HANDLE_CLASSES(HC)
#undef HC
        FT_HANDLE_CLASS_END
};

static inline uint64_t ft_handle(enum ft_handle_class class_, uint32_t id, uint32_t offset)
{
    return ((uint64_t)class_ << 56) | ((uint64_t)(id & 0xFFFFFF) << 32) | offset;
}

static inline unsigned ft_handle_class(uint64_t handle)
{
    return (unsigned)(handle >> 56);
}

static inline uint32_t ft_handle_id(uint64_t handle)
{
    return (uint32_t)(handle >> 32) & 0xFFFFFF;
}

static inline uint32_t ft_handle_offset(uint64_t handle)
{
    return (uint32_t)handle;
}

/* The handle without its offset: the object itself. */
static inline uint64_t ft_handle_object(uint64_t handle)
{
    return handle & ~(uint64_t)0xFFFFFFFF;
}

#endif
