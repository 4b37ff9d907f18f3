/* Common buffers and domains of version 3 (wdm-dma sheet, 1.19, 1.29, 1.31 to 1.39). */
#include "v3_bench.h"

#include "sim/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 6000, ELEMENTS = 3 };

static PHYSICAL_ADDRESS address_of(uint64_t value)
{
    PHYSICAL_ADDRESS address;

    address.QuadPart = (LONGLONG)value;
    return address;
}

/* The device reaches the whole buffer, and the processor sees what it wrote. */
static bool is_shared(PVOID va, PHYSICAL_ADDRESS logical, ULONG bytes)
{
    uint8_t last = 0x5A;

    ((uint8_t *)va)[0] = 0x11;
    if (!sim_dma_write(NULL, (uint64_t)logical.QuadPart + bytes - 1, &last, 1) ||
        ((uint8_t *)va)[bytes - 1] != last)
        return false;
    return sim_dma_read(NULL, (uint64_t)logical.QuadPart, &last, 1) && last == 0x11;
}

static void body_ex(void)
{
    PHYSICAL_ADDRESS logical, most = address_of(UINT32_MAX), none = address_of(0xFFF);
    struct v3 v;
    PVOID va;

    v3_open(&v);
    va = v.b.ops->AllocateCommonBufferEx(v.b.adapter, &most, BYTES, &logical, FALSE, 0);
    CHECK(va && (uint64_t)logical.QuadPart + BYTES - 1 <= UINT32_MAX);
    CHECK(is_shared(va, logical, BYTES));
    v.b.ops->FreeCommonBuffer(v.b.adapter, BYTES, logical, va, FALSE);
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] == 0);
    CHECK(!v.b.ops->AllocateCommonBufferEx(v.b.adapter, &none, BYTES, &logical, TRUE, 0));
    CHECK(!v.b.ops->AllocateCommonBufferEx(v.b.adapter, NULL, 0, &logical, TRUE, 0));
    CHECK(wb_last(FT_EV_CB_ALLOC_EX)->arg[7] == (uint32_t)STATUS_INVALID_PARAMETER);
}

static void body_bounds(void)
{
    PHYSICAL_ADDRESS logical, low = address_of(0x1000), high = address_of(UINT64_MAX >> 1);
    MEMORY_CACHING_TYPE cache = MmNonCached, odd = MmWriteCombined;
    struct v3 v;
    PVOID va;

    v3_open(&v);
    va = v.b.ops->AllocateCommonBufferWithBounds(v.b.adapter, &low, &high, BYTES, 0, &cache, 0,
                                                 &logical);
    CHECK(va && is_shared(va, logical, BYTES));
    v.b.ops->FreeCommonBuffer(v.b.adapter, BYTES, logical, va, FALSE);
    CHECK(!v.b.ops->AllocateCommonBufferWithBounds(v.b.adapter, &high, NULL, BYTES, 0, NULL, 0,
                                                   &logical));
    CHECK(!v.b.ops->AllocateCommonBufferWithBounds(v.b.adapter, NULL, NULL, BYTES, 0, &odd, 0,
                                                   &logical));
    CHECK(!v.b.ops->AllocateCommonBufferWithBounds(v.b.adapter, NULL, NULL, BYTES, 2, NULL, 0,
                                                   &logical));
    CHECK(!v.b.ops->AllocateCommonBufferWithBounds(
        v.b.adapter, NULL, NULL, BYTES, DOMAIN_COMMON_BUFFER_LARGE_PAGE, NULL, 0, &logical));
}

/* What CacheType did not say, FreeCommonBuffer cannot contradict. */
static void body_cache_types(void)
{
    enum { CACHE_DIFFERS = 0x10 };
    MEMORY_CACHING_TYPE cached = MmCached, not_cached = MmNonCached;
    const struct {
        MEMORY_CACHING_TYPE *said;
        BOOLEAN freed_as;
        unsigned wrong;
    } cases[] = {{NULL, FALSE, 0},        {NULL, TRUE, 0},
                 {&cached, TRUE, 0},      {&cached, FALSE, CACHE_DIFFERS},
                 {&not_cached, FALSE, 0}, {&not_cached, TRUE, CACHE_DIFFERS}};
    PHYSICAL_ADDRESS logical;
    struct v3 v;

    v3_open(&v);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        PVOID va = v.b.ops->AllocateCommonBufferWithBounds(v.b.adapter, NULL, NULL, BYTES, 0,
                                                           cases[i].said, 0, &logical);

        CHECK(va != NULL);
        v.b.ops->FreeCommonBuffer(v.b.adapter, BYTES, logical, va, cases[i].freed_as);
        CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] == cases[i].wrong);
    }
}

static void a_cache_type_is_compared_where_one_was_given(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_cache_types);
}

/* v3: success AllocateCommonBufferEx AllocateCommonBufferWithBounds; fails
 * AllocateCommonBufferEx NULL; fails AllocateCommonBufferWithBounds NULL */
static void a_common_buffer_lies_within_its_bounds(void **state)
{
    (void)state;
    v3_run_all(body_ex);
    v3_run_all(body_bounds);
}

static void body_domain(void)
{
    bool remapped = FT_M->platform.iommu;
    DEVICE_DESCRIPTION d = v3_description(true);
    PHYSICAL_ADDRESS logical = {0}, none = address_of(0xFFF);
    PVOID va = &logical;
    PDMA_ADAPTER other;
    ULONG registers;
    HANDLE domain;
    struct v3 v;
    uint8_t byte;

    v3_open(&v);
    other = IoGetDmaAdapter(NULL, &d, &registers);
    domain = v.b.ops->GetDmaDomain(v.b.adapter);
    CHECK((domain != NULL) == remapped);
    if (!remapped) {
        CHECK(other->DmaOperations->JoinDmaDomain(other, domain) == STATUS_NOT_SUPPORTED);
        CHECK(v.b.ops->LeaveDmaDomain(v.b.adapter) == STATUS_NOT_SUPPORTED);
        CHECK(v.b.ops->AllocateDomainCommonBuffer(v.b.adapter, domain, NULL, BYTES, 0, NULL, 0,
                                                  &logical, &va) == STATUS_NOT_SUPPORTED);
        CHECK(va == NULL);
        return;
    }
    CHECK(other->DmaOperations->JoinDmaDomain(other, &d) == STATUS_INVALID_PARAMETER);
    CHECK(other->DmaOperations->JoinDmaDomain(other, domain) == STATUS_SUCCESS);
    CHECK(other->DmaOperations->GetDmaDomain(other) == domain);
    CHECK(v.b.ops->AllocateDomainCommonBuffer(v.b.adapter, &d, NULL, BYTES, 0, NULL, 0, &logical,
                                              &va) == STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->AllocateDomainCommonBuffer(v.b.adapter, domain, &none, BYTES, 0, NULL, 0,
                                              &logical, &va) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(v.b.ops->AllocateDomainCommonBuffer(v.b.adapter, domain, NULL, BYTES, 0, NULL, 0,
                                              &logical, &va) == STATUS_SUCCESS);
    CHECK(va && is_shared(va, logical, BYTES));
    CHECK(v.b.ops->LeaveDmaDomain(v.b.adapter) == STATUS_SUCCESS);
    CHECK(is_shared(va, logical, BYTES)); /* the other one is there still */
    CHECK(other->DmaOperations->LeaveDmaDomain(other) == STATUS_SUCCESS);
    CHECK(!sim_dma_read(NULL, (uint64_t)logical.QuadPart, &byte, 1)); /* faults */
    CHECK(wb_count(FT_EV_BUS_FAULT) == 1);
    v.b.ops->FreeCommonBuffer(v.b.adapter, BYTES, logical, va, TRUE);
}

/* v3: success AllocateDomainCommonBuffer JoinDmaDomain LeaveDmaDomain GetDmaDomain; fails
 * AllocateDomainCommonBuffer STATUS_NOT_SUPPORTED STATUS_INVALID_PARAMETER
 * STATUS_INSUFFICIENT_RESOURCES; fails JoinDmaDomain STATUS_NOT_SUPPORTED
 * STATUS_INVALID_PARAMETER; fails LeaveDmaDomain STATUS_NOT_SUPPORTED; fails GetDmaDomain NULL */
static void a_domain_s_buffer_is_reached_from_the_domain(void **state)
{
    (void)state;
    v3_run_all(body_domain);
}

static PDMA_COMMON_BUFFER_VECTOR vector_of(struct v3 *v)
{
    PDMA_COMMON_BUFFER_VECTOR vector = NULL;

    CHECK(v->b.ops->AllocateCommonBufferVector(v->b.adapter, address_of(0),
                                               address_of(UINT64_MAX >> 1), MmCached, 0, 0,
                                               ELEMENTS, BYTES, &vector) == STATUS_SUCCESS);
    return vector;
}

static void body_vector(void)
{
    PDMA_COMMON_BUFFER_VECTOR vector;
    PHYSICAL_ADDRESS logical[ELEMENTS];
    PVOID va[ELEMENTS];
    struct v3 v;

    v3_open(&v);
    CHECK(v.b.ops->AllocateCommonBufferVector(v.b.adapter, address_of(0), address_of(0xFFF),
                                              MmCached, 0, 0, ELEMENTS, BYTES,
                                              &vector) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(vector == NULL);
    CHECK(v.b.ops->AllocateCommonBufferVector(v.b.adapter, address_of(0), address_of(0xFFF),
                                              MmCached, 0, 0, 0, BYTES,
                                              &vector) == STATUS_INVALID_PARAMETER);
    vector = vector_of(&v);
    for (ULONG i = 0; i < ELEMENTS; i++) {
        v.b.ops->GetCommonBufferFromVectorByIndex(v.b.adapter, vector, i, &va[i], &logical[i]);
        CHECK(is_shared(va[i], logical[i], BYTES));
        CHECK(i == 0 || va[i] != va[i - 1]);
    }
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 1);
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 0);
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 2);
    v.b.ops->FreeCommonBufferVector(v.b.adapter, vector);
}

static void body_vector_full(void)
{
    struct v3 v;

    v3_open(&v);
    v.b.ops->FreeCommonBufferVector(v.b.adapter, vector_of(&v));
}

static void body_vector_twice(void)
{
    PDMA_COMMON_BUFFER_VECTOR vector;
    struct v3 v;

    v3_open(&v);
    vector = vector_of(&v);
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 1);
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 1);
}

static void body_vector_range(void)
{
    struct v3 v;

    v3_open(&v);
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector_of(&v), ELEMENTS);
}

static void body_vector_lookup(void)
{
    PHYSICAL_ADDRESS logical;
    struct v3 v;
    PVOID va;

    v3_open(&v);
    v.b.ops->GetCommonBufferFromVectorByIndex(v.b.adapter, vector_of(&v), ELEMENTS, &va, &logical);
}

static void body_vector_irql(void)
{
    PDMA_COMMON_BUFFER_VECTOR vector;
    struct v3 v;

    v3_open(&v);
    vector = vector_of(&v);
    ft_irql_set(DISPATCH_LEVEL + 1);
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 0);
}

static void describe_v3(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
}

static void stops_with(void (*body)(void), unsigned code)
{
    wb_run(&(struct wb_case){.body = body, .describe = describe_v3});
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x1DC);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], code);
}

/* v3: success AllocateCommonBufferVector GetCommonBufferFromVectorByIndex
 * FreeCommonBufferFromVector FreeCommonBufferVector; fails AllocateCommonBufferVector
 * STATUS_INSUFFICIENT_RESOURCES STATUS_INVALID_PARAMETER 0x1DC; fails
 * GetCommonBufferFromVectorByIndex 0x1DC; fails FreeCommonBufferFromVector 0x1DC; fails
 * FreeCommonBufferVector 0x1DC */
static void a_vector_s_elements_go_once_and_before_it(void **state)
{
    (void)state;
    v3_run_all(body_vector);
    stops_with(body_vector_irql, 1);
    stops_with(body_vector_full, 2);
    stops_with(body_vector_range, 3);
    stops_with(body_vector_lookup, 3);
    stops_with(body_vector_twice, 4);
}

static void body_from_mdl(void)
{
    DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION config[2];
    PHYSICAL_ADDRESS logical;
    uint8_t *memory;
    struct v3 v;
    PMDL mdl;

    v3_open(&v);
    memory = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, 'nmoC');
    mdl = IoAllocateMdl(PAGE_ALIGN(memory + PAGE_SIZE - 1), 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, mdl, NULL, 0, &logical) ==
          STATUS_SUCCESS);
    CHECK(is_shared(MmGetMdlVirtualAddress(mdl), logical, 2 * PAGE_SIZE));
    v.b.ops->FreeCommonBuffer(v.b.adapter, 2 * PAGE_SIZE, logical, MmGetMdlVirtualAddress(mdl),
                              TRUE);
    memset(config, 0, sizeof config);
    config[0].ConfigType = CommonBufferConfigTypeSubSection;
    config[0].SubSection.Offset = PAGE_SIZE;
    config[0].SubSection.Length = PAGE_SIZE;
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, mdl, config, 1, &logical) ==
          STATUS_SUCCESS);
    CHECK(is_shared((uint8_t *)MmGetMdlVirtualAddress(mdl) + PAGE_SIZE, logical, PAGE_SIZE));
    v.b.ops->FreeCommonBuffer(v.b.adapter, PAGE_SIZE, logical,
                              (uint8_t *)MmGetMdlVirtualAddress(mdl) + PAGE_SIZE, TRUE);
    config[1] = config[0];
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, mdl, config, 2, &logical) ==
          STATUS_INVALID_PARAMETER); /* two of one type */
    config[0].SubSection.Length = 100;
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, mdl, config, 1, &logical) ==
          STATUS_INVALID_PARAMETER);
    config[0].ConfigType = CommonBufferConfigTypeHardwareAccessPermissions;
    config[0].HardwareAccessType = CommonBufferHardwareAccessReadOnly;
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, mdl, config, 1, &logical) ==
          STATUS_NOT_SUPPORTED);
    memset(config, 0, sizeof config);
    config[0].ConfigType = CommonBufferConfigTypeLogicalAddressLimits;
    config[0].LogicalAddressLimits.MaximumAddress = address_of(0xFFF);
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, mdl, config, 1, &logical) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, NULL, NULL, 0, &logical) ==
          STATUS_INVALID_PARAMETER);
    IoFreeMdl(mdl);
    ExFreePoolWithTag(memory, 'nmoC');
}

/* v3: success CreateCommonBufferFromMdl; fails CreateCommonBufferFromMdl
 * STATUS_INVALID_PARAMETER STATUS_NOT_SUPPORTED STATUS_INSUFFICIENT_RESOURCES */
static void an_mdl_becomes_a_common_buffer(void **state)
{
    (void)state;
    v3_run_all(body_from_mdl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cache_type_is_compared_where_one_was_given),
        cmocka_unit_test(a_common_buffer_lies_within_its_bounds),
        cmocka_unit_test(a_domain_s_buffer_is_reached_from_the_domain),
        cmocka_unit_test(a_vector_s_elements_go_once_and_before_it),
        cmocka_unit_test(an_mdl_becomes_a_common_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
