/* Words of the command line that are the engines': flags of libFuzzer, -name=value, wherever they
 * stand, and everything behind "--".
 *
 * libFuzzer ignores a flag that it does not know; so a name that is nearly one of its flags is an
 * error (ft_engine_flag_meant). One that is like none of them goes to libFuzzer only from behind
 * "--".
 */
#ifndef FT_FUZZ_ENGINE_WORDS_H
#define FT_FUZZ_ENGINE_WORDS_H

#include <stdbool.h>

/* Takes the engines' words out of argv, into a NULL-terminated list of their own. Returns how many
 * are left, which are ours. */
int ft_take_engine_words(int argc, char **argv, char ***words);

/* The word is a flag of libFuzzer. */
bool ft_is_engine_flag(const char *word);

/* The flag that was meant when the word is nearly one, else NULL. */
const char *ft_engine_flag_meant(const char *word);

#endif
