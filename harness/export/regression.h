/* A regression test in C: what `flushtrace export --format ctest` writes.
 *
 * The program has the modules of a driver linked in (flushtrace_add_regression_test) and runs one
 * scenario on it. The test fails as long as the driver breaks a rule, crashes or hangs there.
 */
#ifndef FT_REGRESSION_H
#define FT_REGRESSION_H

struct ft_regression {
    const char *driver;   /* name of the core */
    const char *scenario; /* its text, docs/SCENARIOS.md */
    const char *rule;     /* what was found: the rule, or crash, or hang; "": nothing */
    const char *function; /* where: "packet.c:PacketDpc:212"; "": not known */
};

/* Runs the test; main returns what it returns. Arguments: --mutant M (of the driver; none is the
 * sound one), --trace FILE (write the run there).
 *
 * 0: nothing is wrong. 1: something is; standard output has what and where, and says whether it is
 * the finding that the test was made of. 3: bad usage, or the program has no such driver. 4: no
 * verdict. 5: our own failure. */
int ft_regression_main(const struct ft_regression *test, int argc, char **argv);

#endif
