// Threads of the core itself, for programs that have none to lend.
//
// Those of a caller are started at its first call and then sleep between calls: a thread that is
// woken runs on a processor of its own within some 50 µs, while a new one was seen to wait for the
// one that started it for as long as that had work to do. None waits in a loop.
#pragma once

#include <functional>

namespace mlip {

// Calls work(0), ..., work(n - 1), each in a thread of its own; what the system has no thread for
// is done in this one. `work` must neither throw nor call this itself.
void in_own_threads(int n, const std::function<void(int)>& work);

}  // namespace mlip
