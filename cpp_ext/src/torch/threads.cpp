// The core works in torch's own threads. They wait in a loop for a while after each operator of
// torch, and would keep threads beside them from their processors just when there is work.
#include "threads.h"

#include <torch/csrc/stable/ops.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "own_threads.h"

namespace mlip {

namespace {

// Whether this process was made by fork and has begun no other program since, as far as the system
// tells: Linux does, in the flags of proc_pid_stat(5).
bool made_by_fork() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');  // the name may contain anything
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  char state;
  long parent, group, session, terminal, foreground;
  unsigned long flags;
  if (!(fields >> state >> parent >> group >> session >> terminal >> foreground >> flags))
    return false;
  constexpr unsigned long forked_without_exec = 0x40;  // PF_FORKNOEXEC
  return flags & forked_without_exec;
}

// A process made by fork has none of its parent's threads, but torch would wait for them: of forks
// before this library was loaded the system tells, of later ones the number of the process.
const bool loaded_after_fork = made_by_fork();
const pid_t first_process = getpid();

}  // namespace

void in_threads_of_program(int n, const std::function<void(int)>& work) {
  if (loaded_after_fork || getpid() != first_process) return in_own_threads(n, work);
  torch::stable::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) work(static_cast<int>(t));
  });
}

}  // namespace mlip
