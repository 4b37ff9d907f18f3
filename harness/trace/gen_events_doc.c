/* Prints docs/EVENTS.md from the rows of events.def. A test compares the committed page with this
 * output. */
#include "trace/trace.h"

#include <stdio.h>

struct type_text {
    enum ft_arg_type type;
    const char *name;
    const char *meaning;
};

static const struct type_text types[] = {
    {FT_ARG_HANDLE, "handle", "an object: class, id and byte offset, `mdl#5+0x1000`; `-` is none"},
    {FT_ARG_NUM, "num", "a number, in decimal"},
    {FT_ARG_HEX, "hex", "a number, in hexadecimal"},
    {FT_ARG_BOOL, "bool", "`yes` or `no`"},
    {FT_ARG_STATUS, "status", "an NTSTATUS, by name where it has one"},
    {FT_ARG_IRQL, "irql", "`PASSIVE`, `APC`, `DISPATCH`, or a device IRQL in decimal"},
    {FT_ARG_LA, "la", "a logical address: what the device sees"},
    {FT_ARG_TIME, "time", "units of 100 ns of simulated time; negative: relative"},
    {FT_ARG_OP, "op", "an op of a scenario, by name"},
    {FT_ARG_LABEL, "label", "the label of an op, `a` to `z`, then `l27` and so on; `-` is none"},
    {FT_ARG_ROUTINE, "routine", "the kind of a driver routine, `DPC`, `timer-DPC`"},
    {FT_ARG_TASK_KIND, "task kind", "`isr`, `dpc`, `engine`, `timer`, `work`, `thread`, `clock`"},
    {FT_ARG_PNP, "pnp", "the PnP state of a device"},
    {FT_ARG_POWER, "power", "a device power state, `D0` to `D3`"},
    {FT_ARG_ACTION, "action", "what AdapterControl returned"},
    {FT_ARG_MAJOR, "major", "an IRP's major and minor code, `READ`, `PNP:START_DEVICE`"},
    {FT_ARG_TEXT, "text",
     "up to 48 bytes in quotes, with escapes `\\\"` `\\\\` `\\n` `\\r` `\\t` "
     "`\\x1f`"},
};
enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };
_Static_assert((int)TYPE_COUNT == (int)FT_ARG_TYPE_COUNT, "every type has its line");

static const char *type_name(unsigned type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if ((unsigned)types[i].type == type) {
            return types[i].name;
        }
    }
    return "?";
}

static void print_row(const struct ft_event_row *row)
{
    printf("| 0x%04x | `%s` |", row->number, row->name);
    for (unsigned i = 0; i < row->argc; i++) {
        printf("%s`%s` %s", i == 0 ? " " : ", ", row->arg_name[i], type_name(row->arg_type[i]));
    }
    printf(" | %s |\n", row->sentence);
}

int main(void)
{
    printf("<!-- Written by gen_events_doc from hal-shim/sim/events.def; do not edit. -->\n"
           "# Events\n\n"
           "Everything that rules and traces can know about a run. Numbers are for ever.\n\n"
           "An event as a line of text:\n\n"
           "    dma:flushed mapping=map#1 bytes=4096 copied=0 ; irql=DISPATCH layer=system "
           "task=3 cpu=0\n\n"
           "First the name and the arguments (`?`: unknown, as in a capture of a real machine), "
           "then who it\nwas: IRQL, layer, task, device, request (`request=3` is `irp#3`), label "
           "of the op, processor (`-`:\nnone), and `nest`, the number of driver routines and DDIs "
           "entered and not left in that task.\nAttributes that are zero are left out, "
           "but layer and processor always stand.\n\n"
           "## Argument types\n\n"
           "| type | meaning |\n|---|---|\n");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        printf("| %s | %s |\n", types[i].name, types[i].meaning);
    }
    printf("\n## Every event\n\n"
           "| number | name | arguments | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ft_event_row_count(); i++) {
        print_row(ft_event_row_at(i));
    }
    return ferror(stdout) || fflush(stdout) != 0;
}
