#include "mixture_work.h"

#include "launch.cuh"

namespace gvc {

Status mix_flows_cuda(const Mixture& mixture, const MixedMotion& motion, const Array4<float>& own,
                      void* stream) {
    return mix_flows_with(OnStream(stream), mixture, motion, own);
}

}  // namespace gvc
