// What this build includes first, before any source (-include).
#pragma once

#define PUMP_BYTES_MAX 65536
