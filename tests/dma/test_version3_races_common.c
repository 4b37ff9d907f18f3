/* Races of the members of version 3 that make, share and free common buffers: against each other
 * and the device (wdm-dma sheet, 1.19, 1.29, 1.31 to 1.39). */
#include "race_bench.h"

#include "sim/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 6000, ELEMENTS = 2, FILL = 0x3C };

struct buffer {
    PVOID va;
    PHYSICAL_ADDRESS logical;
};

static struct v3 *v;
static struct buffer mine, theirs;
static NTSTATUS status;

static PHYSICAL_ADDRESS address_of(uint64_t value)
{
    PHYSICAL_ADDRESS address;

    address.QuadPart = (LONGLONG)value;
    return address;
}

static void open(void)
{
    v = race_open(true, BYTES);
    memset(&mine, 0, sizeof mine);
    memset(&theirs, 0, sizeof theirs);
}

static void put(void)
{
    v->b.ops->PutDmaAdapter(v->b.adapter);
}

static void free_all(void)
{
    race_free(v);
}

static void close(void)
{
    put();
    free_all();
}

static bool device_writes(uint64_t address)
{
    uint8_t byte = FILL;

    return sim_dma_write(NULL, address, &byte, 1);
}

static void free_buffer(struct buffer *buffer, BOOLEAN cached)
{
    v->b.ops->FreeCommonBuffer(v->b.adapter, BYTES, buffer->logical, buffer->va, cached);
}

static bool apart(void)
{
    uint64_t a = (uint64_t)mine.logical.QuadPart, b = (uint64_t)theirs.logical.QuadPart;

    return mine.va && theirs.va && (a + BYTES <= b || b + BYTES <= a);
}

/* ---- AllocateCommonBufferEx, AllocateCommonBufferWithBounds ---- */

static void allocate_ex(void)
{
    mine.va = v->b.ops->AllocateCommonBufferEx(v->b.adapter, NULL, BYTES, &mine.logical, TRUE, 0);
}

/* At the entry there is no adapter any more; at the exit it went with the buffer on it. */
static void no_buffer_without_adapter(void)
{
    CHECK((mine.va != NULL) == RACE_EITHER(false, true));
    CHECK(wb_count(FT_EV_DMA_CB_ALLOC) == RACE_EITHER(0, 1));
    free_all();
}

/* v3: race AllocateCommonBufferEx */
static void a_common_buffer_is_made_while_the_adapter_goes(void **state)
{
    static const struct race race = {open,
                                     allocate_ex,
                                     put,
                                     FT_PT_DMA_COMMON,
                                     no_buffer_without_adapter,
                                     {"dma.adapter-use-after-put", "dma.put-with-common-buffer"}};

    (void)state;
    race_run_all(&race);
}

static void allocate_within(struct buffer *buffer)
{
    PHYSICAL_ADDRESS low = address_of(0x1000), high = address_of(INT64_MAX);

    buffer->va = v->b.ops->AllocateCommonBufferWithBounds(v->b.adapter, &low, &high, BYTES, 0, NULL,
                                                          0, &buffer->logical);
}

static void allocate_mine(void)
{
    allocate_within(&mine);
}

static void allocate_theirs(void)
{
    allocate_within(&theirs);
}

static void both_have_their_own(void)
{
    CHECK(apart());
    CHECK((mine.logical.QuadPart < theirs.logical.QuadPart) == RACE_EITHER(false, true));
    free_buffer(&mine, TRUE);
    free_buffer(&theirs, TRUE);
    close();
}

/* v3: race AllocateCommonBufferWithBounds */
static void two_tasks_want_the_same_bounds(void **state)
{
    static const struct race race = {
        open, allocate_mine, allocate_theirs, FT_PT_DMA_COMMON, both_have_their_own, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* ---- domains, behind an IOMMU ---- */

static PDMA_ADAPTER other;
static HANDLE domain, rival_domain;

static void two_adapters(void)
{
    DEVICE_DESCRIPTION d = v3_description(true);
    ULONG registers;

    open();
    other = IoGetDmaAdapter(NULL, &d, &registers);
    CHECK(other != NULL);
    domain = rival_domain = NULL;
}

static void close_both(void)
{
    other->DmaOperations->PutDmaAdapter(other);
    close();
}

static void in_a_domain(void)
{
    two_adapters();
    domain = v->b.ops->GetDmaDomain(v->b.adapter);
    CHECK(domain != NULL);
}

static void allocate_for_domain(void)
{
    status = v->b.ops->AllocateDomainCommonBuffer(v->b.adapter, domain, NULL, BYTES, 0, NULL, 0,
                                                  &mine.logical, &mine.va);
}

static void has_domain_buffer(void)
{
    in_a_domain();
    allocate_for_domain();
    CHECK(status == STATUS_SUCCESS);
}

static void leave(void)
{
    CHECK(v->b.ops->LeaveDmaDomain(v->b.adapter) == STATUS_SUCCESS);
}

static bool reached;

static void device_uses_buffer(void)
{
    reached = device_writes((uint64_t)mine.logical.QuadPart);
}

static void join(void)
{
    CHECK(other->DmaOperations->JoinDmaDomain(other, domain) == STATUS_SUCCESS);
}

static void get_domain(void)
{
    domain = v->b.ops->GetDmaDomain(v->b.adapter);
}

static void get_domain_too(void)
{
    rival_domain = v->b.ops->GetDmaDomain(v->b.adapter);
}

/* The buffer belongs to the domain, whoever is in it when. */
static void nobody_is_in_the_domain(void)
{
    CHECK(status == STATUS_SUCCESS && mine.va != NULL);
    device_uses_buffer();
    CHECK(!reached && wb_count(FT_EV_BUS_FAULT) == 1);
    join();
    device_uses_buffer();
    CHECK(reached && ((uint8_t *)mine.va)[0] == FILL);
    free_buffer(&mine, TRUE);
    close_both();
}

static void run_behind_iommu(const struct race *race)
{
    for (unsigned when = 0; when < RACE_WHENS; when++)
        race_run(FT_PLATFORM_IOMMU, (enum race_when)when, race, FT_STOP_NONE);
}

/* v3: race AllocateDomainCommonBuffer LeaveDmaDomain */
static void a_buffer_is_made_while_its_domain_empties(void **state)
{
    static const struct race race = {in_a_domain,      allocate_for_domain,     leave,
                                     FT_PT_DMA_COMMON, nobody_is_in_the_domain, {NULL, NULL}};

    (void)state;
    run_behind_iommu(&race);
}

static void left(void)
{
    CHECK(reached == RACE_EITHER(true, false));
    CHECK(wb_count(FT_EV_BUS_FAULT) == RACE_EITHER(0, 1));
    CHECK((((uint8_t *)mine.va)[0] == FILL) == RACE_EITHER(true, false));
    free_buffer(&mine, TRUE);
    close_both();
}

/* v3: race LeaveDmaDomain */
static void a_domain_is_left_while_the_device_writes(void **state)
{
    static const struct race race = {has_domain_buffer, leave, device_uses_buffer,
                                     FT_PT_DMA_QUERY,   left,  {NULL, NULL}};

    (void)state;
    run_behind_iommu(&race);
}

/* Nobody is in the domain: the first to come makes its buffer reachable. */
static void has_lonely_buffer(void)
{
    has_domain_buffer();
    leave();
}

static void joined(void)
{
    CHECK(reached == RACE_EITHER(false, true));
    CHECK(wb_count(FT_EV_BUS_FAULT) == RACE_EITHER(1, 0));
    free_buffer(&mine, TRUE);
    close_both();
}

/* v3: race JoinDmaDomain */
static void a_domain_is_joined_while_the_device_writes(void **state)
{
    static const struct race race = {has_lonely_buffer, join,   device_uses_buffer,
                                     FT_PT_DMA_QUERY,   joined, {NULL, NULL}};

    (void)state;
    run_behind_iommu(&race);
}

/* A transfer that is mapped keeps its addresses, whichever domain its adapter is in. */
static void has_mapping(void)
{
    ULONG length = BYTES;

    in_a_domain();
    rival_domain = other->DmaOperations->GetDmaDomain(other);
    CHECK(rival_domain != NULL && rival_domain != domain);
    CHECK(v3_grant(v, 2) == STATUS_SUCCESS);
    CHECK(v3_map(v, 0, &length, false) == STATUS_SUCCESS && length == BYTES);
}

static void join_other(void)
{
    CHECK(v->b.ops->JoinDmaDomain(v->b.adapter, rival_domain) == STATUS_SUCCESS);
}

static void device_fills_mapping(void)
{
    reached = v3_device_writes(v);
}

static void transfer_is_whole(void)
{
    CHECK(reached && wb_count(FT_EV_BUS_FAULT) == 0);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(v3_flush(v, 0, BYTES, false) == STATUS_SUCCESS && v3_all_equal(v, false));
    v->b.ops->FreeMapRegisters(v->b.adapter, v->b.base, 2);
    ft_irql_set(PASSIVE_LEVEL);
    close_both();
}

/* v3: race JoinDmaDomain LeaveDmaDomain */
static void a_domain_changes_while_a_transfer_is_mapped(void **state)
{
    static const struct race joins = {has_mapping,     join_other,        device_fills_mapping,
                                      FT_PT_DMA_QUERY, transfer_is_whole, {NULL, NULL}};
    static const struct race leaves = {
        has_mapping, leave, device_fills_mapping, FT_PT_DMA_QUERY, transfer_is_whole, {NULL, NULL}};

    (void)state;
    run_behind_iommu(&joins);
    run_behind_iommu(&leaves);
}

static void one_domain(void)
{
    CHECK(domain != NULL && domain == rival_domain);
    CHECK(wb_event(FT_EV_DMA_DOMAIN, 1)->arg[1] == wb_event(FT_EV_DMA_DOMAIN, 2)->arg[1]);
    close_both();
}

/* v3: race GetDmaDomain */
static void two_tasks_ask_for_the_domain_of_an_adapter(void **state)
{
    static const struct race race = {two_adapters,    get_domain, get_domain_too,
                                     FT_PT_DMA_QUERY, one_domain, {NULL, NULL}};

    (void)state;
    run_behind_iommu(&race);
}

/* ---- vectors ---- */

static PDMA_COMMON_BUFFER_VECTOR vector;

static void make_vector(void)
{
    status =
        v->b.ops->AllocateCommonBufferVector(v->b.adapter, address_of(0), address_of(INT64_MAX),
                                             MmCached, 0, 0, ELEMENTS, BYTES, &vector);
}

static void free_element(ULONG index)
{
    v->b.ops->FreeCommonBufferFromVector(v->b.adapter, vector, index);
}

static void free_first(void)
{
    free_element(0);
}

static void free_second(void)
{
    free_element(1);
}

static void free_vector(void)
{
    v->b.ops->FreeCommonBufferVector(v->b.adapter, vector);
}

static void get_first(void)
{
    v->b.ops->GetCommonBufferFromVectorByIndex(v->b.adapter, vector, 0, &mine.va, &mine.logical);
}

static void vector_or_nothing(void)
{
    CHECK((status == STATUS_SUCCESS) == RACE_EITHER(false, true));
    CHECK((vector != NULL) == RACE_EITHER(false, true));
    CHECK(wb_count(FT_EV_DMA_CB_ALLOC) == RACE_EITHER(0, ELEMENTS));
    free_all();
}

/* v3: race AllocateCommonBufferVector */
static void a_vector_is_made_while_the_adapter_goes(void **state)
{
    static const struct race race = {open,
                                     make_vector,
                                     put,
                                     FT_PT_DMA_COMMON,
                                     vector_or_nothing,
                                     {"dma.adapter-use-after-put", "dma.put-with-common-buffer"}};

    (void)state;
    race_run_all(&race);
}

static void has_vector(void)
{
    open();
    make_vector();
    CHECK(status == STATUS_SUCCESS);
}

static void has_one_left(void)
{
    has_vector();
    free_first();
}

/* The n-th task of the run (2: the rival) stopped the machine. */
static void stops_with(unsigned code, unsigned n)
{
    const struct ft_event *stop = wb_last(FT_EV_RUN_BUGCHECK);

    assert_int_equal(stop->arg[0], 0x1DC);
    assert_int_equal(stop->arg[1], code);
    assert_int_equal(stop->task, ft_handle_id(wb_event(FT_EV_TASK_NEW, n)->arg[0]));
}

static void was_there(void)
{
    uint64_t first = (uint64_t)mine.logical.QuadPart;

    CHECK(mine.va != NULL);
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[3] == first); /* the address is worth nothing */
    free_second();
    free_vector();
    close();
}

/* v3: race GetCommonBufferFromVectorByIndex FreeCommonBufferFromVector */
static void an_element_is_looked_up_while_it_is_freed(void **state)
{
    static const struct race race = {has_vector,       get_first, free_first,
                                     FT_PT_DMA_COMMON, was_there, {"dma.cbv-index-freed", NULL}};

    (void)state;
    race_run(FT_PLATFORM_COHERENT, RACE_ENTRY, &race, FT_STOP_BUGCHECK);
    stops_with(4, 1);
    race_run(FT_PLATFORM_COHERENT, RACE_EXIT, &race, FT_STOP_NONE);
}

/* v3: race FreeCommonBufferFromVector */
static void an_element_is_freed_by_two_tasks(void **state)
{
    static const struct race race = {has_vector, free_first,
                                     free_first, FT_PT_DMA_COMMON,
                                     NULL,       {"dma.cbv-index-freed", "dma.cbv-index-freed"}};

    (void)state;
    race_run(FT_PLATFORM_COHERENT, RACE_ENTRY, &race, FT_STOP_BUGCHECK);
    stops_with(4, 1);
    race_run(FT_PLATFORM_COHERENT, RACE_EXIT, &race, FT_STOP_BUGCHECK);
    stops_with(4, 2);
}

static void has_known_element(void)
{
    has_vector();
    get_first();
}

static void freed_under_the_device(void)
{
    CHECK((wb_last(FT_EV_BUS_WRITE)->arg[2] != 0) == RACE_EITHER(true, false));
    CHECK(wb_count(FT_EV_BUS_FAULT) == (FT_M->platform.iommu ? RACE_EITHER(0U, 1U) : 0U));
    free_second();
    free_vector();
    close();
}

/* v3: race FreeCommonBufferFromVector */
static void an_element_is_freed_while_the_device_writes(void **state)
{
    static const struct race race = {has_known_element,      free_first,
                                     device_uses_buffer,     FT_PT_DMA_COMMON,
                                     freed_under_the_device, {NULL, "dma.dev-after-free"}};

    (void)state;
    race_run_all(&race);
}

static void vector_is_gone(void)
{
    const struct ft_event *last = wb_last(FT_EV_CB_VECTOR);

    CHECK(wb_count(FT_EV_DMA_CB_FREE) == ELEMENTS);
    CHECK(last->arg[2] == RACE_EITHER(3, 1) && (last->arg[4] != 0) == RACE_EITHER(false, true));
    close();
}

/* v3: race FreeCommonBufferVector FreeCommonBufferFromVector */
static void a_vector_is_freed_while_its_last_element_goes(void **state)
{
    static const struct race race = {has_one_left,     free_vector,    free_second,
                                     FT_PT_DMA_COMMON, vector_is_gone, {NULL, NULL}};

    (void)state;
    race_run(FT_PLATFORM_COHERENT, RACE_ENTRY, &race, FT_STOP_NONE);
}

static void has_none_left(void)
{
    has_one_left();
    free_second();
}

/* v3: race FreeCommonBufferVector GetCommonBufferFromVectorByIndex */
static void a_vector_is_freed_while_an_element_is_looked_up(void **state)
{
    static const struct race race = {
        has_none_left,    free_vector,    get_first,
        FT_PT_DMA_COMMON, vector_is_gone, {"dma.cbv-index-freed", "dma.cbv-index-freed"}};

    (void)state;
    race_run(FT_PLATFORM_COHERENT, RACE_ENTRY, &race, FT_STOP_BUGCHECK);
    stops_with(4, 2);
    race_run(FT_PLATFORM_COHERENT, RACE_EXIT, &race, FT_STOP_NONE);
}

/* ---- CreateCommonBufferFromMdl ---- */

static uint8_t *memory;
static PMDL mdl;

static void has_mdl(void)
{
    open();
    memory = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, 'nmoC');
    mdl = IoAllocateMdl(PAGE_ALIGN(memory + PAGE_SIZE - 1), PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
}

static void make_from_mdl(void)
{
    status = v->b.ops->CreateCommonBufferFromMdl(v->b.adapter, mdl, NULL, 0, &mine.logical);
}

static void free_from_mdl(void)
{
    v->b.ops->FreeCommonBuffer(v->b.adapter, PAGE_SIZE, mine.logical, MmGetMdlVirtualAddress(mdl),
                               TRUE);
}

/* Freed before it was made: nothing is freed, and the buffer stays. */
static void made_from_mdl(void)
{
    CHECK(status == STATUS_SUCCESS);
    CHECK((wb_last(FT_EV_DMA_CB_FREE)->arg[4] != 0) == RACE_EITHER(true, false));
    if (race_when() == RACE_ENTRY)
        free_from_mdl();
    IoFreeMdl(mdl);
    ExFreePoolWithTag(memory, 'nmoC');
    close();
}

/* v3: race CreateCommonBufferFromMdl */
static void a_buffer_is_freed_before_the_mdl_became_one(void **state)
{
    static const struct race race = {has_mdl,          make_from_mdl, free_from_mdl,
                                     FT_PT_DMA_COMMON, made_from_mdl, {"dma.cb-free-args", NULL}};

    (void)state;
    race_run_all(&race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_common_buffer_is_made_while_the_adapter_goes),
        cmocka_unit_test(two_tasks_want_the_same_bounds),
        cmocka_unit_test(a_buffer_is_made_while_its_domain_empties),
        cmocka_unit_test(a_domain_is_left_while_the_device_writes),
        cmocka_unit_test(a_domain_is_joined_while_the_device_writes),
        cmocka_unit_test(a_domain_changes_while_a_transfer_is_mapped),
        cmocka_unit_test(two_tasks_ask_for_the_domain_of_an_adapter),
        cmocka_unit_test(a_vector_is_made_while_the_adapter_goes),
        cmocka_unit_test(an_element_is_looked_up_while_it_is_freed),
        cmocka_unit_test(an_element_is_freed_by_two_tasks),
        cmocka_unit_test(an_element_is_freed_while_the_device_writes),
        cmocka_unit_test(a_vector_is_freed_while_its_last_element_goes),
        cmocka_unit_test(a_vector_is_freed_while_an_element_is_looked_up),
        cmocka_unit_test(a_buffer_is_freed_before_the_mdl_became_one),
    };

    return cmocka_run_group_tests_name("races of DMA version 3: common buffers", tests, NULL, NULL);
}
