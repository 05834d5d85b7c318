// From the bytes of a fuzzer to the arguments of a kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "gvc/array.h"

namespace fuzz {

// Numbers out of the bytes, and behind their end out of a generator that they seed.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {
        for (std::size_t i = 0; i < size; ++i) {
            state_ = (state_ ^ data[i]) * 1099511628211u;
        }
    }

    std::uint8_t byte() {
        if (left_ > 0) {
            --left_;
            return *data_++;
        }
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint8_t>(state_ >> 56);
    }

    // From `low` to `high`, at most 256 of them.
    std::int64_t whole(std::int64_t low, std::int64_t high) {
        return low + byte() % (high - low + 1);
    }

    bool one_in(int count) { return byte() % count == 0; }

    // Whole numbers over a power of two, and now and then what is no such thing.
    float real(float scale) {
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        constexpr float kOthers[] = {std::numeric_limits<float>::quiet_NaN(),
                                     kInfinity,
                                     -kInfinity,
                                     std::numeric_limits<float>::max(),
                                     -std::numeric_limits<float>::max(),
                                     std::numeric_limits<float>::denorm_min(),
                                     -0.0f,
                                     1e30f,
                                     2147483648.0f,
                                     -2147483904.0f};
        constexpr int kCount = sizeof kOthers / sizeof *kOthers;
        const int drawn = byte();
        return drawn < kCount ? kOthers[drawn] : scale * static_cast<float>(drawn - 128) / 64.0f;
    }

private:
    const std::uint8_t* data_;
    std::size_t left_;
    std::uint64_t state_ = 14695981039346656037u;
};

// How an array lies in memory.
enum class Layout {
    any,         // dimensions in any order and direction, with gaps
    lines,       // the last dimension without gaps, the others in any way
    planes,      // as C lays it out
    interleaved  // channels side by side
};

struct Size {
    std::int64_t n, c, h, w;
};

// An array that ends where its memory does, so that what goes beyond it is found.
template <typename Element>
class Tensor {
public:
    Tensor(Input& input, Size size, Layout layout)
        : array_{nullptr, {size.n, size.c, size.h, size.w}, {}} {
        std::int64_t gap = 0;
        int order[4] = {0, 1, 2, 3};  // from the greatest stride to the least
        if (layout == Layout::interleaved) {
            order[1] = 2, order[2] = 3, order[3] = 1;
        } else if (layout != Layout::planes) {
            const int movable = layout == Layout::any ? 4 : 3;
            for (int i = movable - 1; i > 0; --i) {
                std::swap(order[i], order[input.whole(0, i)]);
            }
            gap = input.one_in(2) ? input.whole(0, 3) : 0;
        }
        const bool turns = (layout == Layout::any || layout == Layout::lines) && input.one_in(4);
        std::int64_t reached = 1, first = 0;
        for (int place = 3; place >= 0; --place) {
            const int axis = order[place];
            const bool fixed = place == 3 && layout != Layout::any;
            const bool back = turns && !fixed && input.one_in(2);
            array_.stride[axis] = back ? -reached : reached;
            const std::int64_t last = array_.size[axis] > 0 ? array_.size[axis] - 1 : 0;
            first += back ? last * reached : 0;
            count_ += last * reached;
            reached *= array_.size[axis] > 0 ? array_.size[axis] : 1;
            reached += fixed ? 0 : gap;
        }
        values_.reset(new Element[static_cast<std::size_t>(count_)]);
        array_.data = values_.get() + first;
    }

    Tensor& fill(Input& input, float scale) {
        for (std::int64_t i = 0; i < count_; ++i) {
            values_[i] = static_cast<Element>(input.real(scale));
        }
        return *this;
    }

    // Whole numbers of a byte.
    Tensor& fill_bytes(Input& input) {
        for (std::int64_t i = 0; i < count_; ++i) {
            values_[i] = static_cast<Element>(input.byte());
        }
        return *this;
    }

    // Bytes that no kernel has written.
    Tensor& clear() {
        std::memset(values_.get(), 0x5a, static_cast<std::size_t>(count_) * sizeof(Element));
        return *this;
    }

    // Another of the same layout and contents.
    Tensor twin() const {
        Tensor made(*this, count_);
        std::memcpy(made.values_.get(), values_.get(),
                    static_cast<std::size_t>(count_) * sizeof(Element));
        return made;
    }

    bool operator==(const Tensor& other) const {
        return count_ == other.count_ &&
               std::memcmp(values_.get(), other.values_.get(),
                           static_cast<std::size_t>(count_) * sizeof(Element)) == 0;
    }

    gvc::Array4<Element> out() const { return array_; }
    gvc::Array4<const Element> in() const { return gvc::read_only(array_); }

private:
    Tensor(const Tensor& like, std::int64_t count)
        : array_(like.array_), count_(count), values_(new Element[static_cast<std::size_t>(count)]) {
        array_.data = values_.get() + (like.array_.data - like.values_.get());
    }

    gvc::Array4<Element> array_;
    std::int64_t count_ = 1;
    std::unique_ptr<Element[]> values_;
};

using Floats = Tensor<float>;

// Floats of some scale.
inline Floats drawn(Input& input, Size size, float scale, Layout layout = Layout::any) {
    Floats made(input, size, layout);
    made.fill(input, scale);
    return made;
}

// Sides of a picture, now and then longer than any vector of a processor.
inline std::int64_t side(Input& input) {
    return input.one_in(8) ? input.whole(1, 70) : input.whole(1, 20);
}

// Channels, now and then as many as kernels take at once and one more.
inline std::int64_t channels(Input& input) {
    return input.one_in(4) ? input.whole(15, 34) : input.whole(1, 9);
}

// A size that may not fit the others: kernels have to find out.
inline Size spoilt(Input& input, Size size) {
    if (!input.one_in(64)) {
        return size;
    }
    std::int64_t* const sides[] = {&size.n, &size.c, &size.h, &size.w};
    *sides[input.whole(0, 3)] = input.whole(0, 9);
    return size;
}

// Outputs of a kernel, none of which was written.
template <typename... Each>
auto outputs(Each&&... each) {
    std::vector<std::common_type_t<std::decay_t<Each>...>> all;
    (all.push_back(std::move(each.clear())), ...);
    return all;
}

// Kernels may only refuse or succeed, and whatever the threads are, with the same result.
//
// run(outputs, threads) calls one.
template <typename Outputs, typename Run>
void check(Outputs& made, const Run& run) {
    Outputs others;
    for (const auto& each : made) {
        others.push_back(each.twin());
    }
    const gvc::Status alone = run(made, 1), together = run(others, 3);
    const bool known = alone == gvc::Status::ok || alone == gvc::Status::bad_argument;
    if (!known || alone != together || !(made == others)) {
        std::abort();
    }
}

}  // namespace fuzz
