// Work shared out among threads.
#pragma once

#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace mlip {

// Calls work(0), ..., work(n - 1), each in a thread of its own, and passes on what the first of
// them to fail throws. What the system has no thread for is done in this one.
template <class Work>
void in_threads(int n, Work work) {
  if (n == 1) return work(0);
  std::vector<std::exception_ptr> errors(n);
  const auto guarded = [&](int t) {
    try {
      work(t);
    } catch (...) {
      errors[t] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(n - 1);
  for (int t = 1; t < n; ++t) {
    try {
      threads.emplace_back(guarded, t);
    } catch (const std::system_error&) {
      guarded(t);
    }
  }
  guarded(0);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace mlip
