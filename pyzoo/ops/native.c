// Shares of a function's blocks, taken one after the other by whichever thread calls `take`.

#include <stdint.h>

typedef struct {
    int (*function)(const void* problem, int64_t first, int64_t end);  // 0, or else it failed
    void* const* problems;                                            // one for each share
    int64_t shares, blocks, next, failed;
} Work;

void take(Work* w) {
    for (int64_t i; (i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED)) < w->shares;)
        if (w->function(w->problems[i], w->blocks * i / w->shares, w->blocks * (i + 1) / w->shares))
            __atomic_store_n(&w->failed, 1, __ATOMIC_RELAXED);
}
