/* The verb `fuzz`. Returns the exit status of design section 8. */
#ifndef FT_CLI_FUZZ_H
#define FT_CLI_FUZZ_H

int ft_cli_fuzz(int argc, char **argv);

#endif
