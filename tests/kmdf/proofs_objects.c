/* Objects, locks, collections, strings and memory (proofs_objects.def). */
#define PROOFS "proofs_objects.def"
#include "proof_rows.h"
