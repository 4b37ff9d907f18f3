/* State cells: their numbering, and the cells that hand-written events reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feedback/state_cells.h"
#include "trace/trace.h"

#include <stdio.h>
#include <string.h>

static struct ft_cell_state cells;

/* Feeds one line of event text; returns the cell. */
static unsigned feed(const char *line)
{
    struct ft_event event;
    struct ft_error error = {0};

    if (ft_event_parse(line, &event, &error) != FT_OK)
        fail_msg("%s: %s", line, error.text);
    return ft_cell_of_event(&cells, &event);
}

static void expect(const char *line, const char *cell)
{
    unsigned number = feed(line);
    char text[128] = "none";

    if (number != FT_NO_CELL)
        ft_cell_print(number, text, sizeof text);
    assert_string_equal(text, cell);
}

static int begin(void **state)
{
    (void)state;
    memset(&cells, 0xA5, sizeof cells); /* run:begin clears whatever was there */
    feed("run:begin processors=2 platform=0x0 ; layer=harness cpu=-");
    return 0;
}

static void start_device(void)
{
    feed("pnp:send device=device#1 irp=irp#2 minor=0 ; layer=harness cpu=0");
    feed("pnp:done device=device#1 minor=0 status=STATUS_SUCCESS state=started irp=irp#2 ; "
         "layer=harness cpu=0");
}

static void new_read(const char *irp)
{
    char line[128];

    snprintf(line, sizeof line, "irp:new irp=%s code=READ length=4096 ; layer=harness cpu=0", irp);
    feed(line);
}

static void numbers_are_consecutive_and_each_is_of_one_cell(void **state)
{
    unsigned expected = 0;

    (void)state;
    assert_in_range(ft_cell_count(), FT_CLASS_COUNT + 1, FT_CELLS_MAX);
    for (unsigned number = 0; number < ft_cell_count(); number++) {
        struct ft_cell cell = ft_cell_at(number);

        if (cell.unexpected)
            continue;
        assert_true(ft_cell_expected(cell.class_, cell.phase, cell.machine));
        assert_int_equal(ft_cell_number(cell.class_, cell.phase, cell.machine), number);
    }
    for (unsigned class_ = 0; class_ < FT_CLASS_COUNT; class_++)
        for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++)
            for (unsigned machine = 0; machine < FT_MACHINE_COUNT; machine++) {
                struct ft_cell cell = ft_cell_at(ft_cell_number(class_, phase, machine));

                assert_int_equal(cell.class_, class_);
                assert_int_equal(cell.unexpected, !ft_cell_expected(class_, phase, machine));
                expected += !cell.unexpected;
            }
    assert_int_equal(ft_cell_count(), expected + FT_CLASS_COUNT);
}

static void every_class_can_be_reached_and_has_a_name(void **state)
{
    (void)state;
    for (unsigned class_ = 0; class_ < FT_CLASS_COUNT; class_++) {
        unsigned cells_of_class = 0;

        for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++)
            for (unsigned machine = 0; machine < FT_MACHINE_COUNT; machine++)
                cells_of_class += ft_cell_expected(class_, phase, machine);
        assert_true(cells_of_class > 0);
        assert_in_range(ft_class_group(class_), 0, FT_GROUP_COUNT - 1);
        assert_true(strlen(ft_class_name(class_)) <= 17);
        assert_true(strlen(ft_class_sentence(class_)) > 10);
    }
}

static void every_pair_of_states_has_a_machine(void **state)
{
    unsigned own_count = 0;

    (void)state;
    for (unsigned pnp = 0; pnp < FT_CELL_PNP_COUNT; pnp++)
        for (unsigned power = 0; power < FT_CELL_POWER_COUNT; power++) {
            bool own = false;

            assert_true(ft_cell_machine_of(pnp, power, &own) < FT_MACHINE_COUNT);
            own_count += own;
        }
    assert_int_equal(own_count, FT_MACHINE_COUNT);
}

static void a_read_passes_through_every_phase(void **state)
{
    (void)state;
    start_device();
    expect("irp:new irp=irp#7 code=READ length=4096 ; layer=harness cpu=0",
           "new request: request none, device started, D0");
    feed("irp:pending irp=irp#7 ; cpu=0");
    expect(
        "dma:channel adapter=adapter#1 registers=2 status=STATUS_SUCCESS irp=irp#7 routine=yes ; "
        "irql=DISPATCH cpu=0",
        "channel: request pending, device started, D0");
    expect("op:fired index=2 op=yank ; layer=harness cpu=-",
           "yank: request waiting, device started, D0");
    feed("dma:grant adapter=adapter#1 grant=grant#1 registers=2 irp=irp#7 ; cpu=0");
    expect("call:enter routine=AdapterControl object=grant#1 code=- ; cpu=0 request=7",
           "AdapterControl: request granted, device started, D0");
    expect("dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 length=4096 mapping=map#1 ; cpu=0",
           "map: request granted, device started, D0");
    expect("op:fired index=3 op=preempt ; layer=harness cpu=0",
           "preempt: request mapped, device started, D0");
    expect("engine:begin channel=0 address=0x4000 length=4096 ; layer=device cpu=-",
           "engine begins: request mapped, device started, D0");
    expect("op:fired index=2 op=power-down ; layer=harness cpu=-",
           "power: request running, device started, D0");
    expect("engine:end channel=0 bytes=4096 why=1 ; layer=device cpu=-",
           "engine ends: request running, device started, D0");
    expect("dma:flush adapter=adapter#1 grant=grant#1 mdl=mdl#1 length=4096 ; cpu=0",
           "flush: request done, device started, D0");
    expect("dma:free-registers adapter=adapter#1 grant=grant#1 count=2 ; cpu=0",
           "free: request flushed, device started, D0");
    expect("irp:complete irp=irp#7 status=STATUS_SUCCESS ; cpu=0",
           "complete: request freed, device started, D0");
    expect("call:enter routine=DPC object=dpc#1 code=- ; cpu=0",
           "DPC: request none, device started, D0");
}

/* Nothing in AllocateAdapterChannelEx says whose request it is for; the sizes asked for before do.
 */
static void a_request_of_version_3_is_the_one_whose_sizes_were_asked_for(void **state)
{
    (void)state;
    start_device();
    feed("irp:new irp=irp#6 code=READ length=4096 mdl=mdl#6 ; layer=harness cpu=0");
    feed("irp:new irp=irp#7 code=READ length=4096 mdl=mdl#7 ; layer=harness cpu=0");
    feed("irp:pending irp=irp#7 ; cpu=0");
    feed("dma:transfer-info adapter=adapter#1 mdl=mdl#7 length=4096 registers=1 ; cpu=0");
    expect("dma:channel-ex adapter=adapter#1 context=context#1 registers=1 how=0x20002 "
           "grant=grant#1 ; irql=DISPATCH cpu=0",
           "channel: request pending, device started, D0");
    feed("dma:grant adapter=adapter#1 grant=grant#1 registers=1 ; cpu=0");
    expect("dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#7 length=4096 mapping=map#1 ; cpu=0",
           "map: request granted, device started, D0");
    feed("engine:begin channel=0 address=0x4000 length=4096 ; layer=device cpu=-");
    feed("engine:end channel=0 bytes=4096 why=1 ; layer=device cpu=-");
    expect("dma:flush-ex adapter=adapter#1 grant=grant#1 mdl=mdl#7 length=4096 ; cpu=0",
           "flush: request done, device started, D0");
    expect("dma:free-object adapter=adapter#1 grant=grant#1 action=DeallocateObject ; cpu=0",
           "free: request flushed, device started, D0");
}

static void a_list_is_a_mapping_and_its_return_is_the_flush(void **state)
{
    (void)state;
    start_device();
    new_read("irp#7");
    feed("irp:pending irp=irp#7 ; cpu=0");
    expect("dma:sg-list adapter=adapter#1 list=sg-list#1 mdl=mdl#1 elements=1 irp=irp#7 ; cpu=0",
           "map: request pending, device started, D0");
    feed("engine:begin channel=0 address=0x4000 length=4096 ; layer=device cpu=-");
    feed("engine:end channel=0 bytes=4096 why=1 ; layer=device cpu=-");
    expect("dma:sg-put adapter=adapter#1 list=sg-list#1 ; irql=DISPATCH cpu=0",
           "flush: request done, device started, D0");
    expect("irp:complete irp=irp#7 status=STATUS_SUCCESS ; cpu=0",
           "complete: request freed, device started, D0");
}

static void cancellation_doubles_the_phases(void **state)
{
    (void)state;
    start_device();
    new_read("irp#7");
    feed("irp:pending irp=irp#7 ; cpu=0");
    expect("irp:cancel irp=irp#7 routine=yes ; layer=harness cpu=0",
           "cancel: request pending, device started, D0");
    expect("call:enter routine=cancel object=irp#7 code=- ; cpu=0 request=7",
           "cancel routine: request pending and cancelled, device started, D0");
    expect("irp:complete irp=irp#7 status=STATUS_CANCELLED ; cpu=0",
           "complete, failed: request pending and cancelled, device started, D0");
}

static void events_of_no_request_take_the_one_on_the_path(void **state)
{
    (void)state;
    start_device();
    new_read("irp#7");
    feed("dma:grant adapter=adapter#1 grant=grant#1 registers=2 irp=irp#7 ; cpu=0");
    new_read("irp#8");
    feed("irp:pending irp=irp#8 ; cpu=0");
    expect("call:enter routine=DPC object=dpc#1 code=- ; cpu=0 request=8",
           "DPC: request pending, device started, D0");
    expect("call:enter routine=DPC object=dpc#1 code=- ; cpu=0",
           "DPC: request granted, device started, D0");
    feed("irp:complete irp=irp#7 status=STATUS_SUCCESS ; cpu=0");
    expect("call:enter routine=DPC object=dpc#1 code=- ; cpu=0",
           "DPC: request pending, device started, D0");
}

static void the_machine_follows_pnp_and_power(void **state)
{
    (void)state;
    expect("pnp:send device=device#1 irp=irp#1 minor=0 ; layer=harness cpu=0",
           "PnP stop: request none, device not started");
    start_device();
    expect("power:send device=device#1 irp=irp#3 minor=2 state=D3 ; layer=harness cpu=0",
           "SET_POWER: request none, device started, D0");
    expect("op:fired index=1 op=stop ; layer=harness cpu=-",
           "stop: request none, device going down");
    feed("power:hw device=device#1 state=D3 ; layer=harness cpu=0");
    feed("power:done device=device#1 minor=2 status=STATUS_SUCCESS state=D3 irp=irp#3 ; "
         "layer=harness cpu=0");
    expect("op:fired index=1 op=stop ; layer=harness cpu=-",
           "stop: request none, device started, off");
    feed("power:system state=4 ; layer=harness cpu=-");
    expect("op:fired index=1 op=wake ; layer=harness cpu=-", "sleep: request none, device asleep");
    feed("hw:yank ; layer=device cpu=-");
    expect("op:late index=1 op=surprise-remove ; layer=harness cpu=-",
           "surprise-remove: request none, device gone");
    feed("pnp:send device=device#1 irp=irp#4 minor=23 ; layer=harness cpu=0");
    expect("pnp:send device=device#1 irp=irp#5 minor=2 ; layer=harness cpu=0",
           "PnP remove: request none, device surprise removed");
    expect("reg:read offset=0x0 width=4 value=0xffffffff live=no ; cpu=0",
           "dead register: request none, device removed");
    expect("call:enter routine=ISR object=interrupt#1 code=- ; cpu=0", "ISR: unexpected");
    expect("op:fired index=1 op=stop ; layer=harness cpu=-", "none"); /* it does nothing */
}

/* A power request that fails leaves the device as it was. */
static void power_is_what_the_hardware_has(void **state)
{
    (void)state;
    start_device();
    feed("power:send device=device#1 irp=irp#3 minor=2 state=D3 ; layer=harness cpu=0");
    feed("power:done device=device#1 minor=2 status=STATUS_UNSUCCESSFUL state=D3 irp=irp#3 ; "
         "layer=harness cpu=0");
    expect("op:fired index=1 op=stop ; layer=harness cpu=-",
           "stop: request none, device started, D0");
    feed("power:hw device=device#1 state=D2 ; layer=harness cpu=0");
    feed("power:send device=device#1 irp=irp#4 minor=2 state=D0 ; layer=harness cpu=0");
    expect("op:fired index=1 op=stop ; layer=harness cpu=-", "stop: request none, device going up");
}

static void events_of_other_requests_and_of_no_class_have_no_cell(void **state)
{
    (void)state;
    start_device();
    expect("irp:new irp=irp#9 code=PNP:START_DEVICE length=0 ; layer=harness cpu=0", "none");
    expect("irp:complete irp=irp#9 status=STATUS_SUCCESS ; cpu=0", "none");
    expect("lock:acquire lock=lock#1 ; irql=DISPATCH cpu=0", "none");
    expect("reg:read offset=0x0 width=4 live=yes ; cpu=0", "none");
}

static void more_requests_than_slots_do_no_harm(void **state)
{
    (void)state;
    start_device();
    for (unsigned i = 0; i < 3 * FT_CELL_REQUESTS; i++) {
        char irp[16];

        snprintf(irp, sizeof irp, "irp#%u", 10 + i);
        new_read(irp);
    }
    expect("irp:complete irp=irp#12 status=STATUS_SUCCESS ; cpu=0",
           "complete: request new, device started, D0");
    expect("irp:complete irp=irp#57 status=STATUS_SUCCESS ; cpu=0", "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_consecutive_and_each_is_of_one_cell),
        cmocka_unit_test(every_class_can_be_reached_and_has_a_name),
        cmocka_unit_test(every_pair_of_states_has_a_machine),
        cmocka_unit_test_setup(a_read_passes_through_every_phase, begin),
        cmocka_unit_test_setup(a_request_of_version_3_is_the_one_whose_sizes_were_asked_for, begin),
        cmocka_unit_test_setup(a_list_is_a_mapping_and_its_return_is_the_flush, begin),
        cmocka_unit_test_setup(cancellation_doubles_the_phases, begin),
        cmocka_unit_test_setup(events_of_no_request_take_the_one_on_the_path, begin),
        cmocka_unit_test_setup(the_machine_follows_pnp_and_power, begin),
        cmocka_unit_test_setup(power_is_what_the_hardware_has, begin),
        cmocka_unit_test_setup(events_of_other_requests_and_of_no_class_have_no_cell, begin),
        cmocka_unit_test_setup(more_requests_than_slots_do_no_harm, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
