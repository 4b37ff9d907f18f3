"""Commands for a run that gdb watches (flushtrace replay TRACE --gdb): `ft help` lists them.

Going there restores a save point of the machine inside the process and runs forward to the event
that is wanted: no hardware counters, no recording by gdb.
"""
import re

import gdb

HELP = """\
ft event N         go to event N: before it happens, in the driver's call
ft next, ft prev   the next event, the one before
ft next-of OBJECT  the next event that concerns an object of the timeline (irp#3, map#1, lock#2)
ft prev-of OBJECT  the one before that does
ft last-write ADDR [BYTES]
                   go back to where the memory there last changed (8 bytes if BYTES is not given)
ft world           the machine in words: tasks, requests, map registers, adapters, PnP and power
ft here            this event, and the driver's line, again
ft help            this text

Breakpoints, print, up, down and so on are gdb's. From a breakpoint or a crash ft goes on, too."""


def number(expression):
    return int(gdb.parse_and_eval(expression))


def text(expression):
    return gdb.parse_and_eval(expression).string(errors="replace")


def running():
    try:
        return gdb.selected_inferior().pid != 0 and gdb.selected_thread() is not None
    except gdb.error:
        return False


def need_run():
    if not running():
        raise gdb.GdbError("the program is not running")


def event():
    """The event that is next: the one it is stopped before."""
    stopped = number("ft_debugger.event")
    return stopped if stopped else number("(unsigned long)ft_debugger_events()") + 1


def is_over():
    return number("ft_debugger.over") != 0


def count():
    return number("(unsigned long)ft_travel_count()")


def resume(command="continue"):
    gdb.execute("set suppress-cli-notifications on")
    try:
        gdb.execute(command, to_string=True)
    finally:
        gdb.execute("set suppress-cli-notifications off")


def leave():
    """Gives the running task up where it is, so that the run can go back."""
    if number("(int)ft_debugger_in_task()"):
        gdb.newest_frame().select()
        gdb.execute("set var $rsp = ((unsigned long)$rsp & ~0xfUL) - 264", to_string=True)
        resume("jump *(unsigned long)&ft_debugger_bail")
    else:
        gdb.execute("set var ft_debugger.back = 1")
        resume()


class Quiet:
    """Breakpoints of the user stay out of the way while we travel."""

    def __enter__(self):
        self.disabled = [b for b in gdb.breakpoints() if b.enabled and b.visible]
        for breakpoint in self.disabled:
            breakpoint.enabled = False

    def __exit__(self, *_):
        for breakpoint in self.disabled:
            if breakpoint.is_valid():
                breakpoint.enabled = True


def travel(target):
    """To before that event, wherever we are."""
    if target < 1 or target > count():
        raise gdb.GdbError(f"there is no event {target}: the run has {count()}")
    here, over = event(), is_over()
    if target == here and not over and number("ft_debugger.event"):
        return
    gdb.execute(f"set var ft_debugger.stop_at = {target}")
    saved = number(f"(unsigned long)ft_travel_saved({target})")
    with Quiet():
        if target <= here or over or saved >= here:
            leave()
        else:
            resume()
    need_run()
    if is_over():
        raise gdb.GdbError("the run is over before that event")


def select_driver():
    """The innermost frame in the driver's own code."""
    begin, end = number("(unsigned long)ft_debugger_code_begin()"), number("(unsigned long)ft_debugger_code_end()")
    frame = gdb.newest_frame()
    while frame is not None:
        if begin <= frame.pc() < end:
            frame.select()
            return True
        frame = frame.older()
    gdb.newest_frame().select()
    return False


def show_here():
    if is_over():
        print(f"the run is over: {count()} events")
        return
    here = event()
    print(f"event {here} of {count()}")
    print(text(f"(const char *)ft_travel_line({here})").rstrip("\n"))
    if select_driver():
        gdb.execute("frame")
    else:
        print("not in the driver")


def find(name, backwards):
    if not re.fullmatch(r"[\w#+.-]{1,64}", name):
        raise gdb.GdbError("an object of the timeline is wanted: irp#3")
    address = int(gdb.parse_and_eval("(unsigned long)&ft_travel_text"))
    gdb.selected_inferior().write_memory(address, name.encode() + b"\0")
    found = number(f"(unsigned long)ft_travel_find({event()}, {int(backwards)})")
    if found == 2**64 - 1:
        raise gdb.GdbError(f"{name} is no object: irp#3, map#1, dpc-4")
    if found == 0:
        raise gdb.GdbError(f"no event {'before' if backwards else 'behind'} {event()} concerns {name}")
    return found


def watch(address, size):
    kind = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long"}[size]
    return gdb.Breakpoint(f"*({kind} *){address:#x}", gdb.BP_WATCHPOINT, gdb.WP_WRITE, internal=True)


def changes(point, most):
    """Goes forward to stop_at, at most to change number `most`; returns how many there were."""
    seen = 0
    while seen != most:
        before = point.hit_count
        resume()
        if point.hit_count == before:
            break
        seen += 1
    return seen


def changes_between(begin, end, address, size, most):
    travel(begin)
    gdb.execute(f"set var ft_debugger.stop_at = {end}")
    point = watch(address, size)
    try:
        return changes(point, most)
    finally:
        point.delete()


def last_write(address, size):
    """Interval for interval backwards; in the one where it changed, again up to its last change."""
    until = event() if not is_over() else count()
    with Quiet():
        limit = until
        while limit > 1:
            begin = number(f"(unsigned long)ft_travel_saved({limit - 1})") + 1
            if begin >= limit:
                begin = 1
            times = changes_between(begin, limit, address, size, -1)
            if times:
                changes_between(begin, limit, address, size, times)
                return
            limit = begin
    travel(until)
    raise gdb.GdbError(f"nothing changed it between the first event and {until}")


class Ft(gdb.Command):
    """Go back and forth in a run of flushtrace: ft help."""

    def __init__(self):
        super().__init__("ft", gdb.COMMAND_RUNNING, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        verb = words[0] if words else "help"
        commands = {"event": (self.event, 1, 1), "next": (self.next, 0, 0), "prev": (self.prev, 0, 0),
                    "next-of": (self.next_of, 1, 1), "prev-of": (self.prev_of, 1, 1),
                    "last-write": (self.last_write, 1, 2), "world": (self.world, 0, 0),
                    "here": (self.here, 0, 0), "help": (self.help, 0, 0)}
        if verb not in commands:
            raise gdb.GdbError(f"ft {verb}: no such command; ft help")
        command, least, most = commands[verb]
        if not least <= len(words) - 1 <= most:
            raise gdb.GdbError(f"ft {verb}: ft help says what it takes")
        if verb != "help":
            need_run()
        command(*words[1:])

    def event(self, word):
        if not word.isdigit():
            raise gdb.GdbError("ft event takes a number")
        travel(int(word))
        show_here()

    def next(self):
        travel(event() + 1)
        show_here()

    def prev(self):
        travel(count() if is_over() else event() - 1)
        show_here()

    def next_of(self, name):
        travel(find(name, False))
        show_here()

    def prev_of(self, name):
        travel(find(name, True))
        show_here()

    def last_write(self, where, size="8"):
        address = int(gdb.parse_and_eval(f"(unsigned long)({where})"))
        if size not in ("1", "2", "4", "8"):
            raise gdb.GdbError("1, 2, 4 or 8 bytes")
        last_write(address, int(size))
        print(f"{address:#x} changed here, before event {event()}")
        gdb.execute("frame")

    def world(self):
        print(text("(const char *)ft_debugger_world()").rstrip("\n"))

    def here(self):
        show_here()

    def help(self):
        print(HELP)


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set print thread-events off")
gdb.execute("handle SIGTRAP stop print nopass", to_string=True)
gdb.execute("handle SIGSEGV stop print nopass", to_string=True)
Ft()
