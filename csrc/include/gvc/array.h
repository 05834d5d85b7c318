// What every kernel takes and gives back: arrays by address, sizes and strides.
//
// Plain C++17: no allocation outlives a call, nothing throws, the caller owns all memory.
#pragma once

#include <cstdint>
#include <limits>

namespace gvc {

enum class Status : int {
    ok = 0,
    bad_argument = 1,  // a null pointer, a negative or overflowing size, or sizes that do not fit
    out_of_memory = 2,
    device_error = 3,  // CUDA refused; the reason is in cudaGetLastError()
};

// Four-dimensional array, of float32 but where said otherwise; strides in elements, of any sign.
template <typename Element>
struct Array4 {
    Element* data;
    std::int64_t size[4];
    std::int64_t stride[4];
};

template <typename Element>
Array4<const Element> read_only(const Array4<Element>& array) {
    Array4<const Element> same{array.data, {}, {}};
    for (int i = 0; i < 4; ++i) {
        same.size[i] = array.size[i];
        same.stride[i] = array.stride[i];
    }
    return same;
}

// Whether no size is negative and their product is far from overflowing.
inline bool countable(const std::int64_t (&size)[4]) {
    std::int64_t total = 1;
    for (const std::int64_t side : size) {
        if (side < 0 || (side > 0 && total > std::numeric_limits<std::int64_t>::max() / 4 / side)) {
            return false;
        }
        total *= side > 0 ? side : 1;
    }
    return true;
}

inline bool same_size(const std::int64_t (&one)[4], const std::int64_t (&other)[4]) {
    for (int i = 0; i < 4; ++i) {
        if (one[i] != other[i]) {
            return false;
        }
    }
    return true;
}

// Whether an array is there and has these sizes.
template <typename Element>
bool has_size(const Array4<Element>& array, std::int64_t n, std::int64_t c, std::int64_t h,
              std::int64_t w) {
    const std::int64_t wanted[4] = {n, c, h, w};
    return array.data != nullptr && same_size(array.size, wanted);
}

// Whether the height and width of an array are sides of a picture: not empty, and small enough for
// positions to be counted in float32.
template <typename Element>
bool is_picture(const Array4<Element>& array) {
    constexpr std::int64_t kMost = std::int64_t{1} << 24;
    return array.data != nullptr && countable(array.size) && array.size[2] > 0 &&
           array.size[3] > 0 && array.size[2] < kMost && array.size[3] < kMost;
}

}  // namespace gvc
