// What works on a GPU as a crew of threads, on the processor: one piece of work after the other, in
// their order or in any; or by threads at once, each of which runs also the code around, as those
// of a GPU do (of interest under ThreadSanitizer). And memory in which a sanitizer sees the first
// number beyond each array.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

struct SerialCrew {
  template <class Work>
  void for_each(int n, const Work& work) const {
    for (int k = 0; k < n; ++k) work(k);
  }

  template <class Stage>
  void run(int n, const Stage& stage) const {
    for_each(n, [&](int i) { stage(i, *this); });
  }
};

struct ShuffledCrew {
  mutable std::mt19937_64 random{7};

  template <class Work>
  void for_each(int n, const Work& work) const {
    std::vector<int> order(std::max(n, 0));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    for (const int k : order) work(k);
  }

  template <class Stage>
  void run(int n, const Stage& stage) const {
    for_each(n, [&](int i) { stage(i, *this); });
  }
};

class ThreadedCrew {
  static constexpr int kThreads = 3;

  struct Barrier {
    std::mutex mutex;
    std::condition_variable all_here;
    int here = 0, turn = 0;

    void wait() {
      std::unique_lock<std::mutex> lock(mutex);
      const int own_turn = turn;
      if (++here == kThreads) {
        here = 0;
        ++turn;
        all_here.notify_all();
      }
      all_here.wait(lock, [&] { return turn != own_turn; });
    }
  };

  struct Member {
    int own;
    Barrier* barrier;

    template <class Work>
    void for_each(int n, const Work& work) const {
      for (int k = own; k < n; k += kThreads) work(k);
      barrier->wait();
    }
  };

 public:
  template <class Stage>
  void run(int n, const Stage& stage) const {
    Barrier barrier;
    std::vector<std::thread> threads;
    for (int own = 0; own < kThreads; ++own) {
      threads.emplace_back([&, own] {
        for (int i = 0; i < n; ++i) {
          stage(i, Member{own, &barrier});
          barrier.wait();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
};

// Each array by itself and exactly as long as promised, and filled with nonsense, so that nothing
// is taken for granted.
struct ExactMemory {
  std::vector<std::unique_ptr<unsigned char[]>> parts;

  template <class T>
  T* take(int64_t n) {
    const size_t bytes = n * sizeof(T);
    parts.emplace_back(new unsigned char[bytes]);
    std::fill_n(parts.back().get(), bytes, 0xa5);
    return reinterpret_cast<T*>(parts.back().get());
  }
};
