// Four maps of every other pixel each to one map of twice the size.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

// output = step·maps: the pixel (2·y + down, 2·x + right) of channel c is that of channel
// (2·down + right)·C + c at (y + down, x + right). The maps are [N, 4·C, H + 1, W + 1], the output
// [N, C, 2·H, 2·W]; channels of both lie side by side in memory. `threads`: at most so many, at
// least one; results do not depend on it.
Status interleave(const Array4<const float>& maps, float step, const Array4<float>& output,
                  int threads);
Status interleave(const Array4<const std::uint8_t>& maps, float step,
                  const Array4<float>& output, int threads);

// Whether everything is there and fits; the operation checks this itself.
template <typename Element>
bool fits_doubled(const Array4<const Element>& maps, const Array4<float>& output) {
    const auto& size = output.size;
    return is_picture(output) && is_picture(maps) && size[2] % 2 == 0 && size[3] % 2 == 0 &&
           has_size(maps, size[0], 4 * size[1], size[2] / 2 + 1, size[3] / 2 + 1) &&
           (maps.stride[1] == 1 || maps.size[1] == 1) &&
           (output.stride[1] == 1 || output.size[1] == 1);
}

}  // namespace gvc
