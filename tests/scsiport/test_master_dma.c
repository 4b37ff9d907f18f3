/* Bus masters: lists, ScsiPortGetPhysicalAddress, ScsiPortGetVirtualAddress, SRB extensions and the
 * uncached extension. */
#include "disk_hba.h"

#include "scsiport/disk.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

enum { NOWHERE, IN_DATA, IN_SENSE, IN_EXTENSION, IN_UNCACHED }; /* area of scsi:physical */
enum { NOT_IN_FIND = 1, NO_MASTER = 2, SECOND = 4, TOO_LONG = 8, NO_AUTOSENSE = 16 };

static const struct ft_op a_read[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {3, 3}}};
static enum ft_platform_name wanted;

static void adjust_to(struct ft_platform *platform)
{
    ft_platform_preset(wanted, platform);
}

/* ---- data ---- */

static void data_moves_on_every_platform(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {3, 3}},
        {.kind = FT_OP_DISK_WRITE, .label = 2, .arg = {2, 4}},
    };

    (void)state;
    for (wanted = 0; wanted < FT_PLATFORM_COUNT; wanted++) {
        disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER, .adjust = adjust_to}, op,
                     COUNT(op));
        assert_int_equal(wb_count(FT_EV_DISK_COMPARE), 2);
        assert_int_equal(wb_event(FT_EV_DISK_COMPARE, 1)->arg[4], 3);
        assert_int_equal(wb_event(FT_EV_DISK_COMPARE, 2)->arg[4], 2);
        /* Mapped before HwScsiStartIo, flushed and freed after the notification. */
        assert_true(wb_place(FT_EV_SCSI_LIST, wb_count(FT_EV_SCSI_LIST)) <
                    wb_place(FT_EV_SCSI_START_IO, wb_count(FT_EV_SCSI_START_IO)));
        assert_int_equal(wb_count(FT_EV_DMA_FLUSH), wb_count(FT_EV_SCSI_LIST));
        assert_true(wb_place(FT_EV_DMA_FLUSH, wb_count(FT_EV_DMA_FLUSH)) >
                    wb_place(FT_EV_SCSI_COMPLETE, wb_count(FT_EV_SCSI_COMPLETE)));
        assert_int_equal(wb_count(FT_EV_SCSI_MAP), 0);
    }
}

/* The caches write back what the buffer held before the requester filled it. */
static void an_evicted_buffer_is_filled_all_the_same(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DISK_WRITE, .label = 1, .arg = {2, 4}},
        {.kind = FT_OP_EVICT, .moment = {.point = FT_PT_ANY, .count = 1}},
    };

    (void)state;
    wanted = FT_PLATFORM_NONCOHERENT;
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER, .adjust = adjust_to}, op, COUNT(op));
    assert_int_equal(wb_event(FT_EV_DISK_COMPARE, 1)->arg[4], 2);
}

/* Its data is mapped before it could say which way it goes. */
static void a_master_is_told_the_direction(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DISK_NEXT, .arg = {FT_DISK_BOTH_WAYS}},
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {3, 3}},
    };

    (void)state;
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER}, op, COUNT(op));
    assert_int_equal(wb_event(FT_EV_DISK_SRB, 1)->arg[4] & SRB_FLAGS_UNSPECIFIED_DIRECTION,
                     SRB_FLAGS_DATA_IN);
    assert_int_equal(wb_event(FT_EV_DISK_COMPARE, 1)->arg[4], 3);
}

static void a_refused_channel_fails_the_request(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_FAIL_ALLOC, .arg = {FT_FAIL_CHANNEL, 0}},
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {3, 3}},
    };

    (void)state;
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER}, op, COUNT(op));
    assert_int_equal(wb_event(FT_EV_DISK_JUDGED, 1)->arg[2], SRB_STATUS_INVALID_REQUEST);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), wb_count(FT_EV_SCSI_LIST));
}

/* ---- addresses ---- */

static PVOID uncached;
static UCHAR *extension_of_first;

static void ask_uncached(PPORT_CONFIGURATION_INFORMATION config)
{
    config->AutoRequestSense = TRUE;
    uncached = ScsiPortGetUncachedExtension(the_scsi.extension, config, 6000);
    CHECK(uncached != NULL);
    /* A second one is refused. */
    CHECK(!ScsiPortGetUncachedExtension(the_scsi.extension, config, 100));
}

static uint64_t address_of(PSCSI_REQUEST_BLOCK srb, PVOID va, ULONG *length)
{
    return (uint64_t)ScsiPortGetPhysicalAddress(the_scsi.extension, srb, va, length).QuadPart;
}

static void ask_addresses(PSCSI_REQUEST_BLOCK srb)
{
    SCSI_PHYSICAL_ADDRESS address;
    ULONG length, rest;
    uint64_t first = address_of(srb, srb->DataBuffer, &length);

    CHECK(first != 0 && length >= srb->DataTransferLength);
    CHECK(address_of(srb, (PUCHAR)srb->DataBuffer + 100, &rest) == first + 100);
    CHECK(rest == length - 100);
    /* Without the SRB its data is not known, nor is what lies behind it. */
    CHECK(address_of(NULL, srb->DataBuffer, &rest) == 0 && rest == 0);
    CHECK(address_of(srb, (PUCHAR)srb->DataBuffer + srb->DataTransferLength, &rest) == 0);
    CHECK(address_of(srb, the_scsi.extension, &rest) == 0);

    extension_of_first = srb->SrbExtension;
    CHECK(extension_of_first != NULL && extension_of_first[0] == extension_of_first[39]);
    address.QuadPart = (LONGLONG)address_of(NULL, uncached, &length);
    CHECK(length >= 6000 && ScsiPortGetVirtualAddress(the_scsi.extension, address) == uncached);
    address.QuadPart = (LONGLONG)address_of(NULL, srb->SrbExtension, &length);
    CHECK(ScsiPortGetVirtualAddress(the_scsi.extension, address) == srb->SrbExtension);
    address_of(NULL, srb->SenseInfoBuffer, &length);
    address.QuadPart = 12345;
    CHECK(!ScsiPortGetVirtualAddress(the_scsi.extension, address));
    disk_hba_go();
}

static void addresses_are_what_they_are(void **state)
{
    static const unsigned areas[] = {IN_DATA, IN_DATA,     NOWHERE,      NOWHERE,
                                     NOWHERE, IN_UNCACHED, IN_EXTENSION, IN_SENSE};

    (void)state;
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER,
                                    .srb_extension = 40,
                                    .configure = ask_uncached,
                                    .start = ask_addresses},
                 a_read, 1);
    for (unsigned n = 0; n < COUNT(areas); n++) /* the first was INQUIRY's */
        assert_int_equal(wb_event(FT_EV_SCSI_PHYSICAL, n + 2)->arg[2], areas[n]);
    assert_int_equal(wb_event(FT_EV_SCSI_PHYSICAL, 1)->arg[7], FT_ROUTINE_SCSI_START_IO);
    assert_int_equal(wb_event(FT_EV_SCSI_PHYSICAL, 1)->irql, WB_IRQ_LEVEL);
    assert_int_equal(wb_count(FT_EV_SCSI_VIRTUAL), 3);
    assert_int_equal(wb_event(FT_EV_SCSI_VIRTUAL, 3)->arg[2], 0);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 1)->arg[3], 0);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 1)->arg[4], 1);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 2)->arg[3], SECOND);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 2)->arg[4], 0);
    assert_int_equal(wb_last(FT_EV_DISK_COMPARE)->arg[4], 3);
}

/* ---- the uncached extension, refused ---- */

static void ask_as_slave(PPORT_CONFIGURATION_INFORMATION config)
{
    CHECK(!ScsiPortGetUncachedExtension(the_scsi.extension, config, 100));
}

static void a_slave_gets_none(void **state)
{
    (void)state;
    disk_hba_run(&(struct disk_hba){.configure = ask_as_slave}, a_read, 1);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 1)->arg[3], NO_MASTER | NO_AUTOSENSE);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 1)->arg[4], 0);
}

static void ask_too_much(PPORT_CONFIGURATION_INFORMATION config)
{
    config->AutoRequestSense = TRUE;
    uncached = ScsiPortGetUncachedExtension(the_scsi.extension, config, 120 * 1024);
}

static void too_long_is_told(void **state)
{
    (void)state;
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER, .configure = ask_too_much}, a_read, 1);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 1)->arg[3], TOO_LONG);
}

static void ask_late(enum ft_routine routine)
{
    PORT_CONFIGURATION_INFORMATION config = the_scsi.taken;

    if (routine == FT_ROUTINE_SCSI_CONTROL)
        CHECK(!ScsiPortGetUncachedExtension(the_scsi.extension, &config, 100));
}

static void it_is_for_find_adapter_only(void **state)
{
    (void)state;
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_MASTER, .in = ask_late}, a_read, 1);
    assert_true(wb_event(FT_EV_SCSI_UNCACHED, 1)->arg[3] & NOT_IN_FIND);
    assert_int_equal(wb_event(FT_EV_SCSI_UNCACHED, 1)->irql, PASSIVE_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_moves_on_every_platform),
        cmocka_unit_test(an_evicted_buffer_is_filled_all_the_same),
        cmocka_unit_test(a_master_is_told_the_direction),
        cmocka_unit_test(a_refused_channel_fails_the_request),
        cmocka_unit_test(addresses_are_what_they_are),
        cmocka_unit_test(a_slave_gets_none),
        cmocka_unit_test(too_long_is_told),
        cmocka_unit_test(it_is_for_find_adapter_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
