from collections.abc import Sequence

Array = tuple[int, tuple[int, ...], tuple[int, ...]]

def warp_forward(
    input: Array,  # noqa: A002
    grid: Array,
    output: Array,
    align_corners: bool,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
) -> None: ...
def warp_backward(
    grad_output: Array,
    input: Array,  # noqa: A002
    grid: Array,
    grad_input: Array,
    grad_grid: Array,
    align_corners: bool,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
) -> None: ...
def build_info() -> dict[str, object]: ...
def warp_by_flow(
    features: Array,
    displacement: Array,
    gate: Array,
    inner: Array,
    output: Array,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
) -> None: ...
def warp_by_flows(
    picture: Array,
    flows: Array,
    carried: Array,
    guided: int,
    output: Array,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
) -> None: ...
def mix_flows(
    logits: Array,
    flows: Array,
    carried: Array,
    foreground: int,
    guided: int,
    foreground_motion: Array,
    background_motion: Array,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
    scratch: Array = ...,
) -> None: ...
def spread_keypoints(
    centres: Array,
    displacements: Array,
    labels: Array,
    narrow: Array,
    frame: Array,
    constants: Array,
    displacement_map: Array,
    share_map: Array,
    label_maps: Array,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
    scratch: Array = ...,
) -> None: ...
def compose_planes(
    foreground: Array,
    background: Array,
    person: Array,
    key: Array,
    foreground_motion: Array,
    background_motion: Array,
    matrix: Sequence[Sequence[float]],
    planes: Array,
    threads: int,
) -> None: ...
def quantise(features: Array, inverse: float, zero: float, output: Array, threads: int) -> None: ...
def interleave(maps: Array, integers: bool, step: float, output: Array, threads: int) -> None: ...
