// Programs that test the core lend it no threads.
#include "own_threads.h"
#include "threads.h"

void mlip::in_threads_of_program(int n, const std::function<void(int)>& work) {
  in_own_threads(n, work);
}
