/* Which touches of memory behind framework objects are told, and which a correct driver may make.
 */
#include "kmdf/dma_objects.h"
#include "world/races.h"
#include "world_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BYTES = 256, OBJECT_ID = 7, TAG = 0x74657374 };
#define OWNER ft_handle(FT_HC_WDF_ENABLER, OBJECT_ID, 0)

static uint64_t next_site; /* another for each access: a place is told once */
static unsigned told_count;
static struct ft_event told_last;
static unsigned char memory[BYTES] __attribute__((aligned(16)));

static bool watch(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_MEM_TOUCH) {
        told_count++;
        told_last = *event;
    }
    return false;
}

static void touch(const void *address, size_t bytes, unsigned how)
{
    ft_current()->site = ++next_site;
    ft_access(address, bytes, how);
}

/* The driver calls something. */
static void call(void)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeLowerIrql(irql);
}

/* Whether that touch alone is told, as `what`. */
static bool tells(unsigned what, const void *address, size_t bytes, unsigned how)
{
    unsigned before = told_count;

    touch(address, bytes, how);
    call();
    return told_count == before + 1 && told_last.arg[3] == what;
}

static bool says_nothing(const void *address, size_t bytes, unsigned how)
{
    unsigned before = told_count;

    touch(address, bytes, how);
    call();
    return told_count == before;
}

/* ---- lists ---- */

static void lists(void)
{
    PSCATTER_GATHER_LIST list = (void *)memory;

    list->NumberOfElements = 2;
    CHECK(says_nothing(list, 8, 0));
    ft_wdf_touch_list(list, true, OWNER);
    CHECK(tells(FT_TOUCH_LIST_OVER, list, 4, 0) && told_last.arg[0] == OWNER);
    CHECK(tells(FT_TOUCH_LIST_OVER, &list->Elements[1].Length, 4, FT_ACCESS_WRITE));
    CHECK(says_nothing(&list->Elements[2], 4, 0));
    /* The next fragment's list is in the same memory. */
    ft_wdf_touch_list(list, false, OWNER);
    CHECK(says_nothing(list, 4, 0));
}

/* ---- contexts ---- */

static void contexts(void)
{
    unsigned char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);

    CHECK(block != NULL);
    ft_wdf_touch_gone(block, 32, OWNER);
    CHECK(says_nothing(block, 8, 0));
    ExFreePoolWithTag(block, TAG);
    CHECK(tells(FT_TOUCH_CONTEXT, block, 8, 0) && told_last.arg[0] == OWNER);
    CHECK(tells(FT_TOUCH_FREED, block + 40, 8, FT_ACCESS_WRITE));
}

/* ---- common buffers that are filled again ---- */

static void refilled(void)
{
    unsigned before;

    ft_wdf_touch_common(memory, BYTES, OWNER);
    CHECK(says_nothing(memory, 4, 0)); /* the first Fill */
    ft_wdf_touch_common_end(memory, OWNER);
    ft_wdf_touch_common(memory, BYTES, OWNER);
    CHECK(tells(FT_TOUCH_STALE, memory, 4, 0) && told_last.arg[0] == OWNER);

    /* Some bits of a word are written: the load that this takes is no reliance. */
    before = told_count;
    touch(memory + 8, 4, 0);
    touch(memory + 8, 4, FT_ACCESS_WRITE);
    call();
    CHECK(told_count == before);
    CHECK(says_nothing(memory + 8, 4, 0));
    CHECK(says_nothing(memory + 4, 8, 0)); /* a copy that takes padding along */
    CHECK(tells(FT_TOUCH_STALE, memory + 12, 4, 0));
    ft_wdf_touch_device_wrote(memory + 12, 4);
    CHECK(says_nothing(memory + 12, 4, 0));
    CHECK(says_nothing(memory + BYTES - 2, 4, 0)); /* half of it is another's */
    ft_wdf_touch_common_end(memory, OWNER);
    CHECK(says_nothing(memory, 4, 0));
}

/* ---- what a short transfer has not moved ---- */

static void end_short(const void *request, PMDL mdl, size_t moved)
{
    struct ft_wdf_tx tx = {.mdl = mdl, .total = BYTES, .moved = moved, .request = (void *)request};

    ft_wdf_touch_ended(&tx);
}

static void unmoved(void)
{
    unsigned char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG);
    void *request = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG); /* stands for one */
    PMDL mdl = IoAllocateMdl(buffer, BYTES, FALSE, FALSE, NULL);

    CHECK(buffer && request && mdl);
    MmBuildMdlForNonPagedPool(mdl);
    end_short(request, mdl, BYTES);
    CHECK(says_nothing(buffer, BYTES, 0));
    end_short(request, mdl, 100);
    CHECK(says_nothing(buffer, 100, 0));
    CHECK(says_nothing(buffer + 96, 8, 0)); /* in words, over the end */
    CHECK(tells(FT_TOUCH_UNMOVED, buffer + 104, 8, 0));
    CHECK(tells(FT_TOUCH_UNMOVED, buffer, BYTES, 0));

    /* Somebody has filled them, the driver or another. */
    CHECK(says_nothing(buffer + 200, 8, FT_ACCESS_WRITE));
    CHECK(says_nothing(buffer + 104, 8, 0));
    end_short(request, mdl, 100);
    buffer[150] ^= 1;
    CHECK(says_nothing(buffer + 104, 8, 0));
    end_short(request, mdl, 100);
    ft_wdf_touch_request(ft_wdf_handle(request));
    CHECK(says_nothing(buffer + 104, 8, 0));

    IoFreeMdl(mdl);
    ExFreePoolWithTag(request, TAG);
    ExFreePoolWithTag(buffer, TAG);
}

/* ---- the tests ---- */

static void run_body(void (*body)(void), bool accesses)
{
    told_count = 0;
    wb_run(&(struct wb_case){.body = body, .accesses = accesses, .tap = watch});
}

static void lists_of_fragments(void **state)
{
    (void)state;
    run_body(lists, true);
}

static void contexts_of_objects(void **state)
{
    (void)state;
    run_body(contexts, true);
}

static void common_buffers(void **state)
{
    (void)state;
    run_body(refilled, true);
}

static void short_transfers(void **state)
{
    (void)state;
    run_body(unmoved, true);
}

static void other_flavour(void)
{
    ft_wdf_touch_list(memory, true, OWNER);
    ft_wdf_touch_common(memory, BYTES, OWNER);
    ft_wdf_touch_common_end(memory, OWNER);
    CHECK(says_nothing(memory, 4, 0));
}

static void nothing_in_other_flavours(void **state)
{
    (void)state;
    run_body(other_flavour, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_fragments),
        cmocka_unit_test(contexts_of_objects),
        cmocka_unit_test(common_buffers),
        cmocka_unit_test(short_transfers),
        cmocka_unit_test(nothing_in_other_flavours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
