/* Peak memory of the process, per run where the system allows the high-water mark to be reset (Linux). */
#ifndef RH_RUN_MEMORY_H
#define RH_RUN_MEMORY_H

#include <stdint.h>

void rh_peak_memory_reset(void);
int64_t rh_peak_memory(void); /* bytes */

#endif
