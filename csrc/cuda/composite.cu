#include "composite_work.h"

#include "launch.cuh"

namespace gvc {

Status compose_planes_cuda(const Composite& frames, void* stream) {
    return compose_planes_with(OnStream(stream), frames);
}

}  // namespace gvc
