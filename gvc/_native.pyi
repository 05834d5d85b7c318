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
) -> None: ...
def warp_by_flows(
    picture: Array, flows: Array, carried: Array, guided: int, output: Array, threads: int
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
) -> None: ...
def spread_keypoints(
    centres: Array,
    displacements: Array,
    labels: Array,
    narrow: Array,
    frame: Array,
    far_narrow: float,
    far_share: float,
    still: float,
    displacement_map: Array,
    share_map: Array,
    label_maps: Array,
    threads: int,
) -> None: ...
