// Work shared out among threads.
#pragma once

#include <functional>

namespace mlip {

// Calls work(0), ..., work(n - 1) at the same time, as far as there are threads, and passes on what
// the first of them to fail throws. `work` must not call this itself.
void in_threads(int n, const std::function<void(int)>& work);

// The threads of the program that the core is part of, which provides this function: the same for
// work that never throws. A program without threads to lend calls `in_own_threads`.
void in_threads_of_program(int n, const std::function<void(int)>& work);

}  // namespace mlip
