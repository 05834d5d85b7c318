// Splits a range of independent work over threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace gvc {

// Calls work(part, first, last) on consecutive parts of [0, count); part is below `threads`. Parts that are too small for a thread
// of their own, and those for which no thread can be had, run on the caller's.
template <typename Work>
void parallel_for(std::int64_t count, int threads, std::int64_t least, const Work& work) {
    const std::int64_t most = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, least));
    const std::int64_t parts = std::clamp<std::int64_t>(threads, 1, most);
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(parts));
    std::int64_t own = 0;
    for (std::int64_t part = parts - 1; part > 0; --part) {
        const std::int64_t first = count * part / parts;
        const std::int64_t last = count * (part + 1) / parts;
        try {
            others.emplace_back([&work, part, first, last] { work(part, first, last); });
        } catch (const std::system_error&) {
            own = last;  // no more threads: this part and all before it are the caller's
            break;
        }
    }
    work(0, 0, own > 0 ? own : count / parts);
    for (std::thread& thread : others) {
        thread.join();
    }
}

}  // namespace gvc
