// Splits a range of independent work over threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace gvc {

// Calls work(part, first, last) on consecutive parts of [0, count); part is below `threads`. Parts
// that are too small for a thread of their own, and those for which no thread can be had, run on
// the caller's.
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

// Calls line(n, y, floats, whole numbers) for all lines, with `floats` and `whole` of scratch.
// A thread has `least` lines at least. The same line of all pictures comes before the next: what
// they read of one and the same picture is still near then. May throw std::bad_alloc.
template <typename Work>
void for_lines(std::int64_t batch, std::int64_t height, std::int64_t least, int threads,
               std::int64_t floats, std::int64_t whole, const Work& line) {
    // Everything that threads need is allocated here: nothing may throw inside one.
    std::vector<float> reals(static_cast<std::size_t>(floats * threads));
    std::vector<std::int32_t> integers(static_cast<std::size_t>(whole * threads));
    parallel_for(batch * height, threads, least,
                 [&](std::int64_t part, std::int64_t first, std::int64_t last) {
                     for (std::int64_t i = first; i < last; ++i) {
                         line(i % batch, i / batch, reals.data() + part * floats,
                              integers.data() + part * whole);
                     }
                 });
}

}  // namespace gvc
