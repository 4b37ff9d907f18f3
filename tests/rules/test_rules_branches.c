/* Branches of the monitors that neither a witness nor a golden run reaches: other ways to break a
 * rule, neighbours of a break that are no break, and tables that are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_events.h"

#include <stdio.h>
#include <string.h>

/* What stands behind the arguments of most events: a DPC of the device's driver. */
#define DPC     " ; irql=DISPATCH task=2 device=1 request=1\n"
#define SYSTEM  " ; layer=system irql=DISPATCH task=2 device=1 request=1\n"
#define PASSIVE " ; task=2 device=1 request=1\n"
#define DEVICE  " ; layer=device cpu=-\n"

#define START                                                                                      \
    "run:begin processors=2 ; layer=harness\n"                                                     \
    "device:create device=device#2" PASSIVE "device:attach device=device#2 below=device#1" PASSIVE \
    "dma:get-adapter adapter=adapter#1 version=1 registers=4 maximum=65536 master=yes" PASSIVE

#define REQUEST                                                                                    \
    "irp:new irp=irp#1 code=READ length=8192 mdl=mdl#1 ; layer=harness task=2 device=1 "           \
    "request=1\n"

#define GRANT                                                                                      \
    "dma:channel adapter=adapter#1 registers=2 routine=yes irp=irp#1" DPC                          \
    "dma:grant adapter=adapter#1 grant=grant#1 registers=2 irp=irp#1" SYSTEM                       \
    "dma:action adapter=adapter#1 grant=grant#1 action=DeallocateObjectKeepRegisters" SYSTEM

#define MAP                                                                                        \
    "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096 mapping=map#1 "        \
    "address=0x40000000" DPC

#define FLUSH "dma:flush adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096" DPC

#define FREE "dma:free-registers adapter=adapter#1 grant=grant#1 count=2" DPC

#define REMOVED "pnp:done device=device#1 minor=2 state=removed ; layer=harness task=1 device=1\n"

/* Of version 3, on the system DMA controller: a request line for each of two adapters. */
#define LINES                                                                                      \
    "run:begin processors=2 ; layer=harness\n"                                                     \
    "device:create device=device#2" PASSIVE "device:attach device=device#2 below=device#1" PASSIVE \
    "dma:get-adapter adapter=adapter#1 version=3 registers=4 maximum=65536 master=no" PASSIVE      \
    "dma:get-adapter adapter=adapter#2 version=3 registers=4 maximum=65536 master=no" PASSIVE

#define LINE_GRANT                                                                                 \
    "dma:context adapter=adapter#1 context=context#1" DPC                                          \
    "dma:channel-ex adapter=adapter#1 context=context#1 registers=2 how=0x20002 grant=grant#1 "    \
    "irp=irp#1" DPC "dma:grant adapter=adapter#1 grant=grant#1 registers=2 irp=irp#1" SYSTEM       \
    "dma:action adapter=adapter#1 grant=grant#1 action=KeepObject" SYSTEM

#define LINE_MAP                                                                                   \
    MAP "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=4096 length=4096 mapping=map#2 " \
        "address=0x50000000" DPC                                                                   \
        "dma:map-ex adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 asked=8192 length=8192 "    \
        "how=0x82" DPC

#define LINE_DONE "dma:complete adapter=adapter#1 grant=grant#1 routine=yes" SYSTEM

#define LINE_FLUSH(Adapter)                                                                        \
    "dma:flush-ex adapter=" Adapter " grant=grant#1 mdl=mdl#1 offset=0 length=8192" DPC

#define CANCELLED_PIECE                                                                            \
    LINES REQUEST LINE_GRANT MAP                                                                   \
        "dma:map-ex adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 asked=4096 length=4096 "    \
        "how=0x82" DPC LINE_DONE                                                                   \
        "dma:flush-ex adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096" DPC          \
        "dma:flushed mapping=map#1 bytes=4096" SYSTEM                                              \
        "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=4096 length=4096 mapping=map#2 " \
        "address=0x50000000" DPC                                                                   \
        "dma:map-ex adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=4096 asked=4096 length=4096 " \
        "how=0x82" DPC "dma:cancel-mapped adapter=adapter#1 context=context#1 grant=grant#1" DPC   \
        "dma:free-channel adapter=adapter#1 grant=grant#1" DPC

struct branch {
    const char *what;
    const char *rule; /* NULL: nothing is found */
    const char *lines;
};

static const struct branch dma_branches[] = {
    {"flush through an adapter that is gone with its device", "dma.flush-after-remove",
     START REQUEST GRANT MAP
     "dma:put-adapter adapter=adapter#1" PASSIVE REMOVED
     "dma:flush adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096" DPC},
    {"flush through a living adapter of a removed device", "dma.flush-after-remove",
     START REQUEST GRANT MAP REMOVED FLUSH},
    {"a null base and another adapter than the mapping's", "dma.flush-wrong-adapter",
     START REQUEST GRANT MAP
     "dma:get-adapter adapter=adapter#2 version=1 registers=4 maximum=65536 master=yes" PASSIVE
     "dma:flush adapter=adapter#2 grant=- mdl=mdl#1 offset=0 length=4096" DPC},
    {"a null base and the mapping's adapter", "dma.flush-wrong-base",
     START REQUEST GRANT MAP
     "dma:flush adapter=adapter#1 grant=- mdl=mdl#1 offset=0 length=4096" DPC},
    {"the base of another transfer that is mapped too", "dma.flush-wrong-base",
     START REQUEST GRANT MAP
     "dma:grant adapter=adapter#1 grant=grant#2 registers=2" SYSTEM
     "dma:map adapter=adapter#1 grant=grant#2 mdl=mdl#2 offset=0 length=512 mapping=map#2 "
     "address=0x40002000" DPC
     "dma:flush adapter=adapter#1 grant=grant#2 mdl=mdl#1 offset=0 length=4096" DPC},
    {"flush behind all that is mapped", "dma.flush-unmapped",
     START REQUEST GRANT MAP
     "dma:flush adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=8192 length=512" DPC},
    {"put while a channel request waits", "dma.put-with-channel",
     START "dma:channel adapter=adapter#1 registers=2 routine=yes" DPC
           "dma:put-adapter adapter=adapter#1" PASSIVE},
    {"a channel request that is reported after its grant does not wait", NULL,
     START "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM
           "dma:action adapter=adapter#1 grant=grant#1 action=DeallocateObject" SYSTEM
           "dma:channel adapter=adapter#1 registers=2 routine=yes" DPC
           "dma:put-adapter adapter=adapter#1" PASSIVE},
    {"put again after the removal", "dma.flush-after-remove",
     START "dma:put-adapter adapter=adapter#1" PASSIVE REMOVED
           "dma:put-adapter adapter=adapter#1 put_before=yes" PASSIVE},
    {"put twice", "dma.adapter-use-after-put",
     START "dma:put-adapter adapter=adapter#1" PASSIVE
           "dma:put-adapter adapter=adapter#1 put_before=yes" PASSIVE},
    {"back into the middle of a piece", "dma.map-advance",
     START REQUEST GRANT MAP FLUSH
     "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=2048 length=2048 mapping=map#2 "
     "address=0x40000800" DPC},
    {"back to the start of a piece", NULL,
     START REQUEST GRANT MAP FLUSH
     "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096 mapping=map#2 "
     "address=0x40000000" DPC},
    {"a map of version 3 that fails because the one before it has the registers",
     "dma.mpx-one-outstanding",
     START REQUEST
     "dma:context adapter=adapter#1 context=context#1" DPC
     "dma:channel-ex adapter=adapter#1 context=context#1 registers=2 how=0x20002 grant=grant#1 "
     "irp=irp#1" DPC "dma:grant adapter=adapter#1 grant=grant#1 registers=2 irp=irp#1" SYSTEM MAP
     "dma:map-ex adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 asked=8192 length=4096 "
     "how=0x20" DPC
     "dma:map-ex adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=4096 asked=4096 length=0 "
     "status=STATUS_INSUFFICIENT_RESOURCES how=0x3000220" DPC},
    {"several elements of one transfer on a request line", NULL,
     LINES REQUEST LINE_GRANT LINE_MAP LINE_DONE LINE_FLUSH("adapter#1")},
    {"version 3: flush through the adapter of another request line", "dma.flush-wrong-adapter",
     LINES REQUEST LINE_GRANT LINE_MAP LINE_DONE LINE_FLUSH("adapter#2")},
    {"the counter of a transfer that is mapped", NULL,
     LINES REQUEST LINE_GRANT LINE_MAP LINE_DONE
     "dma:counter adapter=adapter#1" DPC LINE_FLUSH("adapter#1")},
    {"the counter of a transfer that was flushed", "dma.cnt-system-only",
     LINES REQUEST LINE_GRANT LINE_MAP LINE_DONE LINE_FLUSH(
         "adapter#1") "dma:flushed mapping=map#1 bytes=4096" SYSTEM
                      "dma:flushed mapping=map#2 bytes=4096" SYSTEM
                      "dma:counter adapter=adapter#1" DPC},
    {"a cancelled second piece that is not flushed", "dma.cmt-then-flush", CANCELLED_PIECE},
    {"CancelMappedTransfer with a context that no request has", "dma.ctx-match",
     LINES REQUEST LINE_GRANT LINE_MAP LINE_DONE LINE_FLUSH(
         "adapter#1") "dma:cancel-mapped adapter=adapter#1 context=context#2 grant=- "
                      "status=STATUS_INVALID_PARAMETER why=2" DPC},
    {"map registers of a request that was withdrawn", "dma.cac-true",
     START REQUEST
     "dma:context adapter=adapter#1 context=context#1" DPC
     "dma:channel-ex adapter=adapter#1 context=context#1 registers=2 how=0x20002 grant=grant#1 "
     "irp=irp#1" DPC
     "dma:channel-cancel adapter=adapter#1 context=context#1 grant=grant#1 cancelled=yes" DPC
     "dma:free-registers adapter=adapter#1 grant=- count=2" DPC},
    {"a dead base while the adapter has another grant", "dma.map-after-free",
     START REQUEST GRANT FREE "dma:grant adapter=adapter#1 grant=grant#2 registers=2" SYSTEM MAP},
    {"a grant without registers has no budget", NULL,
     START REQUEST "dma:grant adapter=adapter#1 grant=grant#1 irp=irp#1" SYSTEM MAP},
    {"a refused map with no register left", "dma.map-register-budget",
     "run:begin processors=2 ; layer=harness\n"
     "dma:get-adapter adapter=adapter#1 registers=4 maximum=12288 scatter_gather=yes "
     "master=yes" PASSIVE "dma:grant adapter=adapter#1 grant=grant#1 registers=1" SYSTEM MAP
     "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=4096 length=4096" DPC},
    {"a refused map with a register left", NULL,
     "run:begin processors=2 ; layer=harness\n"
     "dma:get-adapter adapter=adapter#1 registers=4 maximum=12288 scatter_gather=yes "
     "master=yes" PASSIVE "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM MAP
     "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=4096 length=4096" DPC},
    {"the bus refuses the wrong direction in a live mapping", NULL,
     START REQUEST GRANT MAP "bus:fault address=0x40000000 length=512" DEVICE},
    {"the bus refuses what is in a common buffer", NULL,
     START
     "dma:common-alloc adapter=adapter#1 buffer=common#1 length=4096 address=0x50000000" PASSIVE
     "bus:fault address=0x50000200 length=512" DEVICE},
    {"the bus refuses what is half in a common buffer", "dma.dev-in-mapping",
     START
     "dma:common-alloc adapter=adapter#1 buffer=common#1 length=4096 address=0x50000000" PASSIVE
     "bus:fault address=0x50000f00 length=512" DEVICE},
};

#define FRAMEWORK " ; layer=framework task=2 device=1 request=1\n"
#define SECOND_START_FAILS                                                                         \
    "isr:connect interrupt=interrupt#1 device=device#2" PASSIVE                                    \
    "pnp:done device=device#1 minor=0 status=STATUS_UNSUCCESSFUL state=started ; layer=harness "   \
    "task=1 device=1\n"
#define QUERY_STOP_DONE                                                                            \
    "engine:begin address=0x40000000 length=4096" DEVICE                                           \
    "pnp:done device=device#1 minor=5 state=stop-pending ; layer=harness task=1 device=1\n"

static const struct branch io_branches[] = {
    {"a WDM driver lets a device stop that moves data", "io.pnp-querystop-drain",
     START REQUEST GRANT MAP QUERY_STOP_DONE},
    {"a WDM driver keeps its interrupt when the drivers below refuse a second START",
     "io.pnp-start-fail-clean", START SECOND_START_FAILS},
    {"the framework gives it back when it is removed", NULL,
     "run:begin processors=2 ; layer=harness\n"
     "device:create device=device#2" FRAMEWORK
     "device:attach device=device#2 below=device#1" FRAMEWORK SECOND_START_FAILS
     "isr:disconnect interrupt=interrupt#1" FRAMEWORK},
    {"the framework waits when the STOP comes", NULL,
     "run:begin processors=2 ; layer=harness\n"
     "device:create device=device#2" FRAMEWORK
     "device:attach device=device#2 below=device#1" FRAMEWORK
     "dma:get-adapter adapter=adapter#1 version=1 registers=4 maximum=65536 master=yes" FRAMEWORK
         REQUEST GRANT MAP QUERY_STOP_DONE "engine:end bytes=4096 why=1" DEVICE FLUSH FREE
     "irp:complete irp=irp#1 status=STATUS_SUCCESS information=4096 location=1" DPC},
    {"a work item is left at the unload", "io.unload-clean",
     START "work:init item=work#1 device=device#2" PASSIVE
           "driver:unloaded devices=0 ; layer=system task=1 device=1\n"},
    {"a work item that was freed, one that was not made, and one in the driver's memory", NULL,
     START "work:init item=work#1 device=device#2" PASSIVE "work:free item=work#1 queued=no" PASSIVE
           "work:init item=- device=device#2" PASSIVE "work:init item=work#2 device=-" PASSIVE
           "driver:unloaded devices=0 ; layer=system task=1 device=1\n"},
    {"an IRP of IoBuildSynchronousFsdRequest needs no completion routine", NULL,
     START "irp:new irp=irp#3 code=PNP:QUERY_CAPABILITIES initial=STATUS_NOT_SUPPORTED" PASSIVE
           "irp:call irp=irp#3 device=device#1 code=PNP:QUERY_CAPABILITIES location=1 "
           "status=STATUS_NOT_SUPPORTED" PASSIVE},
    {"a register is touched after the drivers below have failed the start",
     "io.pnp-start-lower-first",
     START "irp:new irp=irp#9 code=PNP:START_DEVICE initial=STATUS_NOT_SUPPORTED ; layer=harness "
           "task=1 device=1 request=9\n"
           "call:enter routine=dispatch object=irp#9 code=PNP:START_DEVICE ; task=1 device=1 "
           "request=9\n"
           "irp:complete irp=irp#9 status=STATUS_UNSUCCESSFUL ; layer=system task=1 device=1 "
           "request=9\n"
           "reg:read offset=0x0 width=4 value=0x0 live=no ; task=1 device=1 request=9\n"},
    {"a flush that failed moved nothing", "dma.flush-info-bound",
     START REQUEST GRANT MAP FLUSH
     "dma:flush-result grant=grant#1 ok=no" DPC FREE
     "irp:complete irp=irp#1 status=STATUS_SUCCESS information=4096 location=1" DPC},
    {"a flush that succeeded moved all", NULL,
     START REQUEST GRANT MAP FLUSH
     "dma:flush-result grant=grant#1 ok=yes" DPC FREE
     "irp:complete irp=irp#1 status=STATUS_SUCCESS information=4096 location=1" DPC},
    {"a partial MDL belongs to the request of its source", "dma.flush-after-complete",
     START REQUEST "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM
                   "mdl:alloc mdl=mdl#2 length=4096" DPC
                   "mdl:partial source=mdl#1 target=mdl#2 length=4096" DPC
                   "irp:complete irp=irp#1 status=STATUS_SUCCESS location=1" DPC
                   "dma:flush adapter=adapter#1 grant=grant#1 mdl=mdl#2 offset=0 length=4096" DPC},
    {"an MDL that was unlocked", "dma.flush-after-unlock",
     START "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM
           "mdl:alloc mdl=mdl#1 length=4096" DPC "mdl:lock mdl=mdl#1 write=yes" DPC
           "mdl:unlock mdl=mdl#1 was_locked=yes" DPC MAP FLUSH},
    {"an MDL that was unlocked and built again", NULL,
     START "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM
           "mdl:alloc mdl=mdl#1 length=4096" DPC "mdl:lock mdl=mdl#1 write=yes" DPC
           "mdl:unlock mdl=mdl#1 was_locked=yes" DPC "mdl:build mdl=mdl#1" DPC MAP FLUSH},
    {"raise to a lower level", "io.irql-raise-lower", "irql:raise old=DISPATCH new=PASSIVE" DPC},
    {"a task's raises end with it", "io.irql-raise-lower",
     "irql:raise old=PASSIVE new=DISPATCH" PASSIVE
     "task:end task=task#2 ; layer=system\nirql:lower old=DISPATCH new=PASSIVE" DPC},
    {"a task may lower what it raised", NULL,
     "irql:raise old=PASSIVE new=DISPATCH" PASSIVE "irql:lower old=DISPATCH new=PASSIVE" DPC},
    {"acquire a lock that the task holds", "io.lock-no-recursion",
     "lock:acquire lock=lock#1 old=DISPATCH dpc_level=yes" DPC
     "lock:acquire lock=lock#1 old=DISPATCH dpc_level=yes" DPC},
    {"acquire a lock of a DPC above its level", "io.irql-ddi-level",
     "lock:acquire lock=lock#1 old=5 ; irql=DISPATCH task=2 device=1\n"},
    {"advance an MDL in an ISR", "io.irql-ddi-level",
     "mdl:advance mdl=mdl#1 bytes=1 status=STATUS_SUCCESS ; irql=5 task=2 device=1\n"},
    {"unmap an MDL at DISPATCH_LEVEL", NULL, "mdl:unmap mdl=mdl#1 was_mapped=yes" DPC},
    {"probe a buffer at DISPATCH_LEVEL", "io.irql-ddi-level",
     "probe write=no status=STATUS_SUCCESS" DPC},
    {"make a lookaside list in an ISR", "io.irql-ddi-level",
     "lookaside:init list=lookaside#1 size=1 tag=0x1 paged=no ; irql=5 task=2 device=1\n"},
    {"allocate contiguous memory at DISPATCH_LEVEL", NULL,
     "pages:alloc memory=pages#1 bytes=1 what=1" DPC},
    {"allocate pages for an MDL at DISPATCH_LEVEL", "io.irql-ddi-level",
     "pages:alloc memory=mdl#1 bytes=1 what=2" DPC},
    {"ask for a power IRP in an ISR", "io.irql-ddi-level",
     "power:request device=device#1 irp=irp#9 minor=2 state=4 ; irql=5 task=2 device=1\n"},
    {"ask for a power IRP at DISPATCH_LEVEL", NULL,
     "power:request device=device#1 irp=irp#9 minor=2 state=4" DPC},
    {"forward a power IRP in an ISR", "io.irql-ddi-level",
     "power:call irp=irp#9 device=device#1 ; irql=5 task=2 device=1\n"},
    {"report an interrupt inactive in an ISR", "io.irql-ddi-level",
     "irq:active interrupt=interrupt#1 active=no ; irql=5 task=2 device=1\n"},
    {"register for idle detection at DISPATCH_LEVEL", "io.irql-ddi-level",
     "power:idle-detection device=device#1 seconds=1 on=yes" DPC},
    {"read the registry at DISPATCH_LEVEL", "io.irql-ddi-level",
     "registry operation=3 status=STATUS_SUCCESS" DPC},
    {"make a thread at DISPATCH_LEVEL", "io.irql-ddi-level",
     "thread:new thread=thread#1 status=STATUS_SUCCESS" DPC},
    {"close a handle at DISPATCH_LEVEL", "io.irql-ddi-level", "handle:close object=thread#1" DPC},
    {"acquire a fast mutex at DISPATCH_LEVEL", "io.irql-ddi-level",
     "mutex:acquire mutex=mutex#1 acquired=yes" DPC},
    {"acquire a fast mutex at APC_LEVEL", NULL,
     "mutex:acquire mutex=mutex#1 acquired=yes ; irql=APC task=2 device=1\n"},
    {"acquire a resource at DISPATCH_LEVEL", "io.irql-ddi-level",
     "resource:acquire resource=resource#1 acquired=yes apcs_off=yes" DPC},
    {"release a resource at DISPATCH_LEVEL", NULL,
     "resource:release resource=resource#1 by_owner=yes" DPC},
    {"wait for rundown at DISPATCH_LEVEL", "io.irql-ddi-level",
     "rundown:wait rundown=rundown#1 count=0" DPC},
    {"enter a region at DISPATCH_LEVEL", "io.irql-ddi-level",
     "region guarded=no enter=yes depth=1" DPC},
    {"queue a work item at DISPATCH_LEVEL", NULL, "work:queue item=work#1 queued=no" DPC},
    {"queue a work item in an ISR", "io.irql-ddi-level",
     "work:queue item=work#1 queued=no ; irql=5 task=2 device=1\n"},
    {"release a semaphore in an ISR", "io.irql-ddi-level",
     "object:release object=semaphore#1 by_owner=yes ; irql=5 task=2 device=1\n"},
    {"dereference an object at DISPATCH_LEVEL", NULL,
     "object:dereference object=thread#1 count=1" DPC},
    {"dereference an object in an ISR", "io.irql-ddi-level",
     "object:dereference object=thread#1 count=1 ; irql=5 task=2 device=1\n"},
    {"build a read above APC_LEVEL", "io.irql-ddi-level",
     "irp:new irp=irp#1 code=READ length=16" DPC},
    {"allocate an IRP at DISPATCH_LEVEL", NULL,
     "irp:new irp=irp#1 code=CREATE" DPC "irp:free irp=irp#1" DPC},
    {"build a control request above PASSIVE_LEVEL", "io.irql-ddi-level",
     "irp:buffers irp=irp#1 code=0x22000 ; irql=APC task=2 device=1\n"},
    {"insert into a device queue at PASSIVE_LEVEL", "io.irql-ddi-level",
     "queue:insert queue=queue#1 entry=irp#1+0x78 inserted=yes" PASSIVE},
    {"remove from a device queue at PASSIVE_LEVEL", "io.irql-ddi-level",
     "queue:remove queue=queue#1 entry=irp#1+0x78 by_entry=no busy=yes" PASSIVE},
    {"remove an entry from a device queue at PASSIVE_LEVEL", NULL,
     "queue:remove queue=queue#1 entry=irp#1+0x78 by_entry=yes busy=yes" PASSIVE},
    {"a symbolic link above PASSIVE_LEVEL", "io.irql-ddi-level",
     "symbolic-link create=yes status=STATUS_SUCCESS links=1 ; irql=APC task=2 device=1\n"},
    {"register an interface in a DPC", "io.irql-ddi-level",
     "interface:new interface=interface#1 status=STATUS_SUCCESS" DPC},
    {"switch an interface in a DPC", "io.irql-ddi-level",
     "interface:state interface=interface#1 enable=yes status=STATUS_SUCCESS" DPC},
    {"ask for a property in a DPC", "io.irql-ddi-level",
     "device:property device=device#1 property=14 status=STATUS_SUCCESS" DPC},
    {"write the error log in a DPC", NULL, "error-log operation=2 bytes=48" DPC},
    {"write the error log in an ISR", "io.irql-ddi-level",
     "error-log operation=2 bytes=48 ; irql=5 task=2 device=1\n"},
    {"start an IoTimer in an ISR", "io.irql-ddi-level",
     "io:timer device=device#1 operation=2 ; irql=5 task=2 device=1\n"},
    {"invalidate the device's state in an ISR", "io.irql-ddi-level",
     "device:invalidate device=device#1 what=1 ; irql=5 task=2 device=1\n"},
    {"insert into a cancel-safe queue in an ISR", "io.irql-ddi-level",
     "csq:insert csq=csq#1 irp=irp#1 status=STATUS_SUCCESS ; irql=5 task=2 device=1\n"},
    {"the callback that acquires a queue's lock leaves with it", NULL,
     "call:leave routine=queue-callback object=csq#1 code=0x4 value=0x0 irql_before=PASSIVE "
     "locks_before=0 "
     "locks=1" DPC},
    {"another callback that leaves with a lock", "io.lock-balanced-per-routine",
     "call:leave routine=queue-callback object=csq#1 code=0x2 value=0x0 irql_before=DISPATCH "
     "locks_before=0 "
     "locks=1" DPC},
    {"release to a level that no acquisition saved", "io.lock-release-owner",
     "lock:acquire lock=lock#1 old=DISPATCH" DPC "lock:acquire lock=lock#2 old=DISPATCH" DPC
     "lock:release lock=lock#1 owner=task#2 new=PASSIVE" DPC},
    {"release the cancel lock that nobody holds", "io.cancel-release-lock-once",
     "cancel:unlock new=DISPATCH held=no" DPC},
    {"start the next packet under a spin lock", "io.irp-complete-no-lock",
     "lock:acquire lock=lock#1 old=DISPATCH dpc_level=yes" DPC
     "io:start-next device=device#2 irp=irp#1" DPC},
    {"start the next packet under the cancel lock", "io.irp-complete-no-lock",
     "cancel:lock old=DISPATCH" DPC "io:start-next device=device#2 irp=irp#1" DPC},
    {"start the next packet under another task's lock", NULL,
     "lock:acquire lock=lock#1 old=DISPATCH dpc_level=yes ; irql=DISPATCH task=3 device=1\n"
     "io:start-next device=device#2 irp=irp#1" DPC},
    {"a lock released at DPC level leaves its level to the raise before it", NULL,
     "irql:raise old=PASSIVE new=DISPATCH" PASSIVE "lock:acquire lock=lock#1 old=PASSIVE" DPC
     "lock:release lock=lock#1 owner=task#2 new=DISPATCH dpc_level=yes" DPC
     "irql:lower old=DISPATCH new=PASSIVE" DPC},
    {"the end of a dispatch routine for a request that never was", NULL,
     "call:leave routine=dispatch object=irp#7 code=READ value=0x103" PASSIVE},
    {"the DPC of an expired timer at the end of its device", "io.timer-cancelled-before-free",
     START "timer:set timer=timer#1 due=10 dpc=dpc#1" PASSIVE
           "timer:expire timer=timer#1 ; layer=system device=1\n"
           "device:delete device=device#2" PASSIVE},
};

#define HANG "run:hang kind=2 ; layer=harness\n"
#define SENT                                                                                       \
    REQUEST "call:enter routine=dispatch object=irp#1 code=READ" PASSIVE                           \
            "irp:pending irp=irp#1" PASSIVE
#define REFUSED                                                                                    \
    "dma:channel adapter=adapter#1 registers=2 routine=yes irp=irp#1 "                             \
    "status=STATUS_INSUFFICIENT_RESOURCES" DPC
#define LIST                                                                                       \
    "dma:sg-list adapter=adapter#1 list=sg-list#1 mdl=mdl#1 elements=1 registers=2 length=4096 "   \
    "irp=irp#1" DPC                                                                                \
    "dma:sg-element list=sg-list#1 mapping=map#1 address=0x40000000 length=4096 write=no "         \
    "mdl=mdl#1" DPC "dma:sg-done adapter=adapter#1 list=sg-list#1" DPC
#define SECOND                                                                                     \
    "dma:get-adapter adapter=adapter#2 version=1 registers=4 maximum=65536 master=yes" PASSIVE

static const struct branch wdm_branches[] = {
    {"a channel that was refused, and a request that never ends", "dma.ach-status-checked",
     START SENT REFUSED HANG},
    {"a channel that was refused and then granted, and a request that never ends", "dma.irp-stuck",
     START SENT REFUSED GRANT MAP FLUSH FREE HANG},
    {"a list that was refused, and a request that never ends", "dma.gsl-status",
     START SENT "dma:sg-get adapter=adapter#1 mdl=mdl#1 length=4096 "
                "status=STATUS_INSUFFICIENT_RESOURCES irp=irp#1" DPC HANG},
    {"MapTransfer on a channel that was refused", "dma.ach-status-checked",
     START REQUEST REFUSED
     "dma:map adapter=adapter#1 grant=- mdl=mdl#1 length=4096 address=0xbad0" DPC},
    {"a refused channel beside one that is held", NULL, START REQUEST GRANT REFUSED MAP FLUSH FREE},
    {"a base behind the start of the file", "dma.map-base-provenance",
     START REQUEST GRANT "dma:map adapter=adapter#1 grant=grant#1+0x10 mdl=mdl#1 length=4096 "
                         "address=0xbad0" DPC},
    {"a NULL base that was granted", NULL,
     START REQUEST "dma:channel adapter=adapter#1 registers=0 routine=yes irp=irp#1" DPC
                   "dma:grant adapter=adapter#1 grant=grant#1 irp=irp#1" SYSTEM
                   "dma:map adapter=adapter#1 grant=- mdl=mdl#1 length=4096 address=0xbad0" DPC},
    {"the channel of one adapter is freed through another", "dma.free-wrong-adapter",
     START SECOND "dma:channel adapter=adapter#1 registers=2 routine=yes" DPC
                  "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM
                  "dma:action adapter=adapter#1 grant=grant#1 action=KeepObject" SYSTEM
                  "dma:free-channel adapter=adapter#2 grant=-" DPC},
    {"FreeAdapterChannel after DeallocateObject", "dma.grant-no-release",
     START "dma:grant adapter=adapter#1 grant=grant#1 registers=2" SYSTEM
           "dma:action adapter=adapter#1 grant=grant#1 action=DeallocateObject" SYSTEM
           "dma:free-channel adapter=adapter#1 grant=-" DPC},
    {"FreeAdapterChannel where nothing was ever granted", "dma.fch-only-keep",
     START "dma:free-channel adapter=adapter#1 grant=-" DPC},
    {"FreeAdapterChannel for a list", "dma.sgl-no-manual-flush",
     START REQUEST LIST "dma:free-channel adapter=adapter#1 grant=-" DPC},
    {"FreeMapRegisters for a list", "dma.sgl-no-manual-flush",
     START REQUEST LIST "dma:free-registers adapter=adapter#1 grant=- count=2" DPC},
    {"FreeCommonBuffer of the buffer that was refused", "dma.cb-null",
     START "dma:common-alloc adapter=adapter#1 buffer=- length=4096" PASSIVE
           "dma:common-free adapter=adapter#1 buffer=- length=4096" PASSIVE},
    {"FreeCommonBuffer of memory that is none", "dma.cb-free-args",
     START "dma:common-free adapter=adapter#1 buffer=pool#3 length=4096" PASSIVE},
    {"FreeCommonBuffer with the other cache flag", NULL,
     START
     "dma:common-alloc adapter=adapter#1 buffer=common#1 length=4096 address=0x50000000" PASSIVE
     "dma:common-free adapter=adapter#1 buffer=common#1 length=4096 address=0x50000000" PASSIVE},
    {"a list of a page that MapTransfer has mapped", "dma.map-overlap",
     START REQUEST GRANT
     "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096 mapping=map#2 "
     "address=0x40002000" DPC LIST},
    {"a list that starts before its MDL", "dma.gsl-range",
     START REQUEST "dma:sg-get adapter=adapter#1 mdl=mdl#1 offset=18446744073709547520 length=16 "
                   "status=STATUS_UNSUCCESSFUL" DPC},
    {"a list of no bytes", "dma.map-zero-length",
     START REQUEST "dma:sg-get adapter=adapter#1 mdl=mdl#1 status=STATUS_UNSUCCESSFUL" DPC},
    {"a list without an MDL", "dma.mdl-null",
     START REQUEST "dma:sg-get adapter=adapter#1 mdl=- length=16 status=STATUS_UNSUCCESSFUL" DPC},
    {"a list asked for in AdapterListControl", "dma.ach-not-nested",
     START REQUEST "dma:sg-list adapter=adapter#1 list=sg-list#1 mdl=mdl#1 length=4096" DPC
                   "dma:sg-get adapter=adapter#1 mdl=mdl#1 offset=4096 length=4096" DPC},
    {"a channel asked for in AdapterListControl", "dma.lcb-no-alloc-map",
     START REQUEST "dma:sg-list adapter=adapter#1 list=sg-list#1 mdl=mdl#1 length=4096" DPC
                   "dma:channel adapter=adapter#1 registers=2 routine=yes" DPC},
    {"a flush from before the MDL", "dma.map-va-in-mdl",
     START REQUEST GRANT MAP "dma:flush adapter=adapter#1 grant=grant#1 mdl=mdl#1 "
                             "offset=18446744073709547520 length=4096" DPC},
    {"a device on a list goes the wrong way", "dma.dev-direction",
     START REQUEST LIST "bus:read address=0x40000000 length=512 target=map#1" DEVICE},
    {"the device runs on after the removal", "dma.dev-quiesced",
     START REQUEST GRANT MAP "engine:begin address=0x40000000 length=4096" DEVICE REMOVED},
    {"a request is mapped when its device is removed", "dma.irp-stuck",
     START SENT GRANT MAP FLUSH FREE REMOVED},
    {"an MDL is locked twice", "dma.mdl-lock-pairing",
     START "mdl:alloc mdl=mdl#1 length=4096" PASSIVE "mdl:lock mdl=mdl#1 write=yes" PASSIVE
           "mdl:lock mdl=mdl#1 write=yes" PASSIVE},
    {"an MDL is freed with its pages locked", "dma.mdl-lock-pairing",
     START "mdl:alloc mdl=mdl#1 length=4096" PASSIVE "mdl:lock mdl=mdl#1 write=yes" PASSIVE
           "mdl:free mdl=mdl#1" PASSIVE},
    {"a part of an MDL that is mapped", "dma.mdl-reuse-mapped",
     START REQUEST GRANT MAP "mdl:alloc mdl=mdl#2 length=8192" DPC
                             "mdl:partial source=mdl#2 target=mdl#1 length=4096" DPC},
    {"a system address of an MDL that was freed", "mem.mdl-use-after-free",
     START "mdl:alloc mdl=mdl#1 length=4096" PASSIVE "mdl:free mdl=mdl#1" PASSIVE
           "mdl:sysva mdl=mdl#1" PASSIVE},
    {"slack of a common buffer, as a guard check of pool says it", "mem.cpu-cb-slack",
     "pool:damage block=common#1 where=2" SYSTEM},
    {"the last reference goes before the end", NULL,
     START "dma:references adapter=adapter#1 count=1" PASSIVE
           "dma:put-adapter adapter=adapter#1" PASSIVE
           "dma:references adapter=adapter#1 count=0" PASSIVE},
};

static struct ft_file_events events;

/* True when the branch yields its rule, or nothing at all where none is named. */
static bool check(const struct branch *branch)
{
    struct ft_verdict verdict;
    bool ok;

    if (!ft_text_events_read(branch->lines, &events)) {
        return false;
    }
    ft_judge(&events, true, 0, &verdict);
    if (branch->rule == NULL) {
        ok = verdict.finding_count == 0 && verdict.warning_count == 0;
    } else {
        const struct ft_rule_row *row = ft_rule_by_id(branch->rule);

        ok = row != NULL && ft_verdict_has_rule(&verdict, row->number);
    }
    if (!ok) {
        ft_verdict_show(branch->what, &verdict);
    }
    return ok;
}

/* Of the rules that a cancelled piece breaks, the verdict is the one that says why it was left. */
static void a_cancelled_piece_has_its_own_verdict(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    assert_true(ft_text_events_read(CANCELLED_PIECE, &events));
    ft_judge(&events, true, 0, &verdict);
    assert_int_equal(verdict.finding[0].rule, ft_rule_by_id("dma.cmt-then-flush")->number);
}

/* Readings of ours where no document gives the level (sim/choices.def): a warning, no violation. */
static const struct branch unsaid[] = {
    {"FlushDmaBuffer at a device level", "dma.irql-table",
     START SENT GRANT MAP "dma:flush-buffer adapter=adapter#1 mdl=mdl#1 read=yes ; irql=5 task=2 "
                          "device=1 request=1\n"},
    {"a vector is made at DISPATCH_LEVEL", "dma.cbv-irql",
     START "dma:vector adapter=adapter#1 vector=vector#1 what=0 index=1" DPC},
    {"an element is freed at DISPATCH_LEVEL", "dma.cbv-irql",
     START "dma:vector adapter=adapter#1 vector=vector#1 what=0 index=1" PASSIVE
           "dma:vector adapter=adapter#1 vector=vector#1 what=2 index=0" DPC},
};

static void what_no_document_says_is_a_warning(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    for (size_t i = 0; i < sizeof(unsaid) / sizeof(unsaid[0]); i++) {
        assert_true(ft_text_events_read(unsaid[i].lines, &events));
        ft_judge(&events, true, 0, &verdict);
        if (verdict.finding_count != 0 || verdict.warning_count != 1 ||
            verdict.warning[0].rule != ft_rule_by_id(unsaid[i].rule)->number) {
            ft_verdict_show(unsaid[i].what, &verdict);
            fail();
        }
    }
}

static void check_all(const struct branch *branches, size_t count)
{
    unsigned failed = 0;

    for (size_t i = 0; i < count; i++) {
        failed += check(&branches[i]) ? 0 : 1;
    }
    assert_int_equal(failed, 0);
}

static void branches_about_dma(void **state)
{
    (void)state;
    check_all(dma_branches, sizeof(dma_branches) / sizeof(dma_branches[0]));
}

static void branches_about_the_whole_wdm_machine(void **state)
{
    (void)state;
    check_all(wdm_branches, sizeof(wdm_branches) / sizeof(wdm_branches[0]));
}

static void branches_about_everything_else(void **state)
{
    (void)state;
    check_all(io_branches, sizeof(io_branches) / sizeof(io_branches[0]));
}

/* One line for each number from 1 on fills the table. */
static const struct {
    const char *table;
    const char *line; /* one %u */
} tables[] = {
    {"requests", "irp:new irp=irp#%u code=READ ; layer=harness\n"},
    {"queued channel requests",
     "dma:channel adapter=adapter#1 registers=2 routine=yes irp=irp#%u" DPC},
    {"adapters", "dma:get-adapter adapter=adapter#%u" PASSIVE},
    {"common buffers", "dma:common-alloc adapter=adapter#1 buffer=common#%u length=16" PASSIVE},
    {"engine channels", "engine:begin channel=%u address=? length=16" DEVICE},
    {"pool blocks", "pool:alloc block=pool#%u size=16" PASSIVE},
    {"spin locks held at once", "lock:acquire lock=lock#%u old=DISPATCH dpc_level=yes" DPC},
    {"raised IRQLs", "irql:raise old=PASSIVE new=DISPATCH ; task=%u\n"},
    {"pending DPCs", "dpc:insert dpc=dpc#%u inserted=yes" DPC},
    {"running timers", "timer:set timer=timer#%u due=10" DPC},
    {"connected interrupts", "isr:connect interrupt=interrupt#%u device=device#2" PASSIVE},
};

/* The engine has lost count, so it says neither clean nor whose fault it is. */
static void a_full_table_leaves_the_run_unjudged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        static char text[200 * 120];
        size_t length = (size_t)snprintf(text, sizeof(text), "%s", START);
        struct ft_verdict verdict;
        char detail[96];

        for (unsigned number = 1; number <= 140; number++) {
            length +=
                (size_t)snprintf(text + length, sizeof(text) - length, tables[i].line, number);
        }
        (void)snprintf(text + length, sizeof(text) - length, "run:end ; layer=harness\n");
        (void)snprintf(detail, sizeof(detail), "the rules lost count: too many %s",
                       tables[i].table);
        assert_true(ft_text_events_read(text, &events));
        ft_judge(&events, true, 0, &verdict);
        if (verdict.kind != FT_VERDICT_UNJUDGED) {
            ft_verdict_show(tables[i].table, &verdict);
        }
        assert_int_equal(verdict.kind, FT_VERDICT_UNJUDGED);
        assert_string_equal(verdict.detail, detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_about_dma),
        cmocka_unit_test(a_cancelled_piece_has_its_own_verdict),
        cmocka_unit_test(branches_about_the_whole_wdm_machine),
        cmocka_unit_test(what_no_document_says_is_a_warning),
        cmocka_unit_test(branches_about_everything_else),
        cmocka_unit_test(a_full_table_leaves_the_run_unjudged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
