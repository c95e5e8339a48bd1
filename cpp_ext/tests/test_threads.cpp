// Work in threads: every share once, failures passed on, and a process made by fork.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "threads.h"

namespace {

void require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::abort();
}

void every_share_once(int n) {
  std::vector<std::atomic<int>> calls(n);
  mlip::in_threads(n, [&](int t) { ++calls[t]; });
  for (const std::atomic<int>& count : calls) require(count == 1, "each share is done once");
}

void failures_are_passed_on() {
  for (int failing = 0; failing < 3; ++failing) {
    std::string said;
    try {
      mlip::in_threads(3, [&](int t) {
        if (t >= failing) throw std::invalid_argument("share " + std::to_string(t));
      });
    } catch (const std::invalid_argument& error) {
      said = error.what();
    }
    require(said == "share " + std::to_string(failing), "the first failure is passed on");
  }
}

void a_forked_process_has_threads_of_its_own() {
  const pid_t child = fork();
  if (child == 0) {
    every_share_once(3);
    _exit(0);
  }
  int status = 1;
  require(waitpid(child, &status, 0) == child && status == 0, "a forked process does its work");
}

}  // namespace

int main() {
  for (int round = 0; round < 2000; ++round) every_share_once(1 + round % 5);
  failures_are_passed_on();
  a_forked_process_has_threads_of_its_own();
  every_share_once(4);
  std::printf("threads: all as they should be\n");
}
