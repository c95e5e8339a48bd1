#include "threads.h"

#include <exception>
#include <vector>

namespace mlip {

void in_threads(int n, const std::function<void(int)>& work) {
  if (n == 1) return work(0);
  std::vector<std::exception_ptr> errors(n);
  in_threads_of_program(n, [&](int t) {
    try {
      work(t);
    } catch (...) {
      errors[t] = std::current_exception();
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace mlip
