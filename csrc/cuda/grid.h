// How work on the elements of arrays is dealt out to the threads of a launch.
//
// A work is an object whose call takes the index of one element. Works and these functions are
// plain C++, so that the very code of the kernels runs, and is tested, without a GPU too.
#pragma once

#include <cstdint>

#include "gvc/array.h"
#include "gvc/attributes.h"

namespace gvc {

constexpr int kThreadsOfBlock = 256;

inline unsigned blocks_for(std::int64_t count) {
    const std::int64_t blocks = (count + kThreadsOfBlock - 1) / kThreadsOfBlock;
    return static_cast<unsigned>(blocks < 65535 ? blocks : 65535);
}

// What one of `threads` threads does: neighbouring threads take neighbouring indices.
template <typename Work>
GVC_DEVICE void do_share(const Work& work, std::int64_t thread, std::int64_t threads,
                         std::int64_t count) {
    for (std::int64_t i = thread; i < count; i += threads) {
        work(i);
    }
}

struct Place {
    std::int64_t n, c, y, x;
};

// The place of an element of an array: neighbouring indices are neighbouring channels where those
// are side by side in memory (`interleaved`), else neighbouring pixels.
GVC_DEVICE inline Place place_of(std::int64_t index, const std::int64_t (&size)[4],
                                 bool interleaved) {
    Place at{};
    if (interleaved) {
        at.c = index % size[1];
        index /= size[1];
    }
    at.x = index % size[3];
    index /= size[3];
    at.y = index % size[2];
    index /= size[2];
    if (!interleaved) {
        at.c = index % size[1];
        index /= size[1];
    }
    at.n = index;
    return at;
}

inline std::int64_t elements_of(const std::int64_t (&size)[4]) {
    return size[0] * size[1] * size[2] * size[3];
}

// One element of an array.
template <typename Element>
GVC_DEVICE Element& element(const Array4<Element>& array, const Place& at) {
    return array.data[at.n * array.stride[0] + at.c * array.stride[1] + at.y * array.stride[2] +
                      at.x * array.stride[3]];
}

// The first element of a plane; an array of one frame is the same for all.
template <typename Element>
GVC_DEVICE Element* plane_of(const Array4<Element>& array, std::int64_t n, std::int64_t c) {
    return array.data + (array.size[0] == 1 ? 0 : n * array.stride[0]) + c * array.stride[1];
}

}  // namespace gvc
