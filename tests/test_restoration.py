"""Restoring key frames: the network, its weights files, and its training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from metric_weights import weights_folder

from gvc.errors import WeightsError
from gvc.model import weights
from gvc.model.restoration import RestorationNetwork, load_restoration, restoration_weights
from gvc.training.restoration import RestorationSettings, RestorationTrainer, split_planes, to_rgb


def planes(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    luma = torch.rand(2, 1, height, width, generator=random)
    return luma, torch.rand(2, 2, height // 2, width // 2, generator=random)


@pytest.mark.parametrize("size", [(16, 16), (48, 112), (256, 128)])
def test_an_untrained_network_changes_nothing(size):
    given = planes(*size)
    restored = RestorationNetwork()(*given, torch.tensor([22.0, 52.0]))
    for one, other in zip(restored, given, strict=True):
        assert torch.equal(one, other)


def test_what_a_network_adds_depends_on_the_qp():
    torch.manual_seed(0)
    network = RestorationNetwork()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    luma, chroma = planes(32, 32)
    low, high = (network(luma, chroma, torch.full((2,), qp))[0] for qp in (22.0, 52.0))
    assert not torch.allclose(low, high, atol=1e-3)


def test_even_networks_make_no_checkerboards():
    torch.manual_seed(0)
    network = RestorationNetwork()
    torch.nn.init.normal_(network.exit.weight)
    network.even_out()
    squares = network.exit.weight[:4]
    assert (squares[0] + squares[3] - squares[1] - squares[2]).abs().max() < 1e-5


def test_weights_files_hold_a_network(tmp_path):
    torch.manual_seed(0)
    network = RestorationNetwork()
    torch.nn.init.normal_(network.exit.weight, std=0.01)
    weights.save(restoration_weights(network), tmp_path / "restoration.safetensors")
    loaded = load_restoration(tmp_path / "restoration.safetensors")
    luma, chroma = planes(32, 32)
    qp = torch.tensor([30.0, 40.0])
    assert torch.allclose(loaded(luma, chroma, qp)[0], network(luma, chroma, qp)[0], atol=2e-3)
    with pytest.raises(WeightsError, match="restore key frames"):
        load_restoration(weights.PRETRAINED / "distance.safetensors")


def test_planes_become_the_colours_that_they_were_made_of():
    import av

    from gvc.bitstream import ColourDescription
    from gvc.media import from_rgb
    from gvc.media import to_rgb as media_to_rgb

    rows = np.linspace(30, 220, 64, dtype=np.uint8)
    picture = np.stack([np.tile(rows, (64, 1)), np.tile(rows[:, None], (1, 64)),
                        np.full((64, 64), 90, np.uint8)], axis=2)  # fmt: skip
    frame = from_rgb(picture, 64, 64, ColourDescription(1, 1, 1))
    assert isinstance(frame, av.VideoFrame)
    luma, chroma = (
        torch.from_numpy(np.ascontiguousarray(part))[None].float() / 255
        for part in split_planes(frame.to_ndarray())
    )
    made = (to_rgb(luma, chroma)[0] * 255).permute(1, 2, 0).numpy()
    assert np.abs(made - media_to_rgb(frame, 64, 64).astype(float)).max() < 4


def test_training_brings_coded_pictures_closer_and_goes_on_where_it_stopped(clips, tmp_path):
    folder = weights_folder()

    def settings(steps: int, name: str) -> RestorationSettings:
        return RestorationSettings(
            clips=clips, output=tmp_path / name, cache=tmp_path / "cache", metric_weights=folder,
            steps=steps, squares=2, side=64, faces=False,
        )  # fmt: skip

    records: list[dict[str, float]] = []
    trainer = RestorationTrainer(settings(100, "run"), report=records.append)
    path = trainer.run()
    assert records[1]["pixel"] < records[0]["pixel"]
    again: list[dict[str, float]] = []
    assert RestorationTrainer(settings(100, "run"), report=again.append).run() == path
    assert again == []
    assert load_restoration(path).exit.weight.abs().max() > 0
