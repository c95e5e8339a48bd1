#include "own_threads.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace mlip {
namespace {

// Threads that wait for work. Used by one caller at a time.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  ~Team() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    begin_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Calls work(t) for 0 <= t < n; work must not throw.
  void run(int n, const std::function<void(int)>& work) {
    grow(n - 1);
    const int helpers = std::min<int>(n - 1, static_cast<int>(threads_.size()));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      wanted_ = left_ = helpers;
      ++round_;
    }
    begin_.notify_all();
    work(0);
    for (int t = helpers + 1; t < n; ++t) work(t);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return left_ == 0; });
  }

 private:
  void grow(int size) {
    try {
      while (static_cast<int>(threads_.size()) < size) {
        const int t = static_cast<int>(threads_.size()) + 1;
        threads_.emplace_back([this, t, seen = round_] { serve(t, seen); });
      }
    } catch (const std::system_error&) {
      // the system has no more: the caller does their work
    }
  }

  void serve(int t, int64_t seen) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      begin_.wait(lock, [&] { return stop_ || round_ != seen; });
      if (stop_) return;
      seen = round_;
      if (t > wanted_) continue;
      lock.unlock();
      (*work_)(t);
      lock.lock();
      if (--left_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable begin_, done_;
  const std::function<void(int)>* work_ = nullptr;
  int64_t round_ = 0;
  int wanted_ = 0, left_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// The team of the calling thread. A process made by fork has none of its parent's threads: what it
// inherits is left as it is, and never waited for.
class OwnTeam {
 public:
  ~OwnTeam() {
    if (process_ == getpid()) delete team_;
  }

  Team& get() {
    if (process_ != getpid()) {
      team_ = new Team;
      process_ = getpid();
    }
    return *team_;
  }

 private:
  Team* team_ = nullptr;
  pid_t process_ = 0;
};

}  // namespace

void in_own_threads(int n, const std::function<void(int)>& work) {
  static thread_local OwnTeam own;
  own.get().run(n, work);
}

}  // namespace mlip
