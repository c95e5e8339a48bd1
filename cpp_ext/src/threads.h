// Work shared out among threads.
//
// The threads of a caller are started at its first call and then sleep between calls: a thread that
// is woken runs on a processor of its own within some 50 µs, while a new one was seen to wait for
// the one that started it for as long as that had work to do. None waits in a loop.
#pragma once

#include <functional>

namespace mlip {

// Calls work(0), ..., work(n - 1), each in a thread of its own, and passes on what the first of
// them to fail throws. What the system has no thread for is done in this one. `work` must not call
// this itself.
void in_threads(int n, const std::function<void(int)>& work);

}  // namespace mlip
