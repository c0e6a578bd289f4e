from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganarium.data.world import World
from ganarium.data.world.canvas import signed_distance
from ganarium.data.world.shapes import SHAPES, Polygon

torch.set_num_threads(1)

WORLDS = {
    "plain": World(32),
    "textured": World(32, textured=True),
    "wide": World((20, 28)),
    "tall, grey": World((36, 16), channels=1),
    "textured, grey": World((24, 32), channels=1, textured=True),
}


@pytest.fixture(params=WORLDS.values(), ids=WORLDS.keys())
def world(request):
    return request.param


def eroded(masks):
    """The masks without the pixels that touch the outside, corners included."""
    wide = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    height, width = masks.shape[1:]
    return np.logical_and.reduce(
        [wide[:, y : y + height, x : x + width] for y in range(3) for x in range(3)],
    )


def distances(scenes):
    """Signed, in pixels, worked out one scene at a time."""
    place = zip(scenes.x, scenes.y, scenes.radius, scenes.angle, strict=True)
    return np.concatenate(
        [
            signed_distance(scenes.canvas, SHAPES[label], *(torch.tensor([float(v)]) for v in values)).numpy()
            for label, values in zip(scenes.labels, place, strict=True)
        ]
    )


# ---- shapes


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_signed_distances_enclose_the_stated_area_and_contour_and_are_centred(shape):
    axis = torch.linspace(-1.2, 1.2, 1201)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    distance = shape.distance(x, y)
    pixel, half = 0.002**2, 0.02
    inside = distance < 0
    assert inside.sum() * pixel == pytest.approx(shape.area, rel=2e-3)
    assert (distance.abs() < half).sum() * pixel / (2 * half) == pytest.approx(shape.perimeter, rel=0.02)
    assert torch.hypot(x, y)[inside].max() == pytest.approx(1, abs=5e-3)
    assert x[inside].mean().abs() < 1e-3
    assert y[inside].mean().abs() < 1e-3


@pytest.mark.parametrize("shape", [s for s in SHAPES if isinstance(s, Polygon)], ids=lambda shape: shape.name)
def test_polygons_know_the_distance_to_their_nearest_side(shape):
    turns = torch.arange(shape.symmetry) * 2 * torch.pi / shape.symmetry + shape.upright
    points = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) * 3 - 1.5
    nearest = torch.full((500,), torch.inf)
    for mirror in (1, -1):
        vertices = torch.tensor(shape.outline) * torch.tensor([1, mirror])
        for a, b in pairwise(vertices):
            for t in torch.linspace(0, 1, 200):
                px, py = a + (b - a) * t
                for turn in turns:
                    at = torch.stack([px * turn.cos() - py * turn.sin(), px * turn.sin() + py * turn.cos()])
                    nearest = torch.minimum(nearest, (points - at).norm(dim=1))
    assert torch.allclose(shape.distance(points[:, 0], points[:, 1]).abs(), nearest, atol=5e-3)


# ---- which scenes


def test_a_scene_is_a_function_of_seed_and_index_alone(world):
    together = world.scenes(range(100))
    order = np.random.default_rng(0).permutation(100)
    shuffled = world.scenes(order)
    for kind in ("images", "styled", "masks", "semantic", "outlines"):
        whole = getattr(together, kind)()
        assert np.array_equal(getattr(shuffled, kind)(), whole[order]), kind
        alone = np.concatenate([getattr(world.scenes([i]), kind)() for i in (0, 7, 99)])
        assert np.array_equal(alone, whole[[0, 7, 99]]), kind
    assert np.array_equal(shuffled.attributes, together.attributes[order])
    assert world.scenes([41, 41]).captions() == [together.captions()[41]] * 2
    assert np.array_equal(together[10:20].images(), together.images()[10:20])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(-(2**70), 2**70), index=st.integers(0, 2**62))
def test_any_seed_and_any_index_give_a_scene(seed, index):
    scene = World(16, seed=seed).scenes(np.array([index]))
    assert 0 <= scene.labels[0] < 6
    assert scene.masks().any()


def test_another_seed_draws_other_scenes():
    one, other = (World(16, seed=seed).scenes(range(480)) for seed in (0, 1))
    assert np.mean(one.labels == other.labels) < 0.3
    assert len(np.unique(np.concatenate([one.radius, other.radius]))) == 960


def test_classes_and_colours_are_balanced_and_attributes_even():
    scenes = World(16, seed=3).scenes(range(4800))
    kinds = np.bincount(scenes.labels * 4 + scenes.colors, minlength=24)
    assert (kinds == 200).all()
    assert not np.array_equal(scenes.labels[:24], scenes.labels[24:48])
    assert np.abs(scenes.attributes[:, 4:].mean(axis=0) - 0.5).max() < 0.03
    assert (
        np.abs(np.corrcoef(np.column_stack([scenes.labels, scenes.attributes[:, 4:]]).T) - np.eye(4)).max()
        < 0.05
    )


def test_shapes_lie_inside(world):
    scenes = world.scenes(range(240))
    width, height = world.canvas.extent
    for moved in (scenes, scenes.at(37.0)):
        for center, extent in ((moved.x, width), (moved.y, height)):
            assert (center - moved.radius).min() > 0
            assert (center + moved.radius).max() < extent
        masks = moved.masks()
        assert masks.any(axis=(1, 2)).all()
        assert not (masks[:, 0].any() and masks[:, -1].any() and masks[:, :, 0].any())


# ---- what is known of them


def test_attributes_and_captions_say_what_the_parameters_are(world):
    scenes = world.scenes(range(240))
    assert world.attributes == (*world.colors, "large", "left", "high")
    assert scenes.attributes.shape == (240, len(world.attributes))
    assert scenes.attributes.dtype == np.float32
    assert scenes.labels.dtype == np.int64
    assert np.array_equal(scenes.attributes[:, :4].argmax(axis=1), scenes.colors)
    assert (scenes.attributes[:, :4].sum(axis=1) == 1).all()
    for caption, row, label, color in zip(
        scenes.captions(), scenes.attributes, scenes.labels, scenes.colors, strict=True
    ):
        size, side, height = (bool(value) for value in row[4:])
        assert caption == (
            f"a {'large' if size else 'small'} {world.colors[color]} {world.classes[label]} "
            f"at the {'top' if height else 'bottom'} {'left' if side else 'right'}"
        )


def test_attributes_can_be_read_from_the_picture(world):
    scenes = world.scenes(range(480))
    masks = scenes.masks()
    area = masks.sum(axis=(1, 2))
    x = (masks.sum(axis=1) * (np.arange(masks.shape[2]) + 0.5)).sum(axis=1) / area
    y = (masks.sum(axis=2) * (np.arange(masks.shape[1]) + 0.5)).sum(axis=1) / area
    assert np.mean((x < masks.shape[2] / 2) == scenes.attributes[:, 5]) > 0.995
    assert np.mean((y < masks.shape[1] / 2) == scenes.attributes[:, 6]) > 0.995
    for label in range(6):
        large = scenes.attributes[:, 4].astype(bool)
        mine = scenes.labels == label
        assert area[mine & large].min() > area[mine & ~large].max()


def test_pictures_show_the_colour_inside_and_the_background_outside(world):
    scenes = world.scenes(range(96))
    images, distance = scenes.images(), distances(scenes)
    channels = world.canvas.channels
    assert images.shape == (96, world.canvas.height, world.canvas.width, channels)
    assert images.dtype == np.uint8
    inside, outside = distance < -0.51, distance > 0.51
    assert np.array_equal(scenes.masks(), distance <= 0)
    palette = world.canvas.palette.numpy().astype(np.uint8)
    for image, core, far, color in zip(images, inside, outside, scenes.colors, strict=True):
        assert (image[core] == palette[color]).all()
        strayed = np.linalg.norm(image[far] - world.canvas.background.numpy(), axis=-1)
        assert (strayed <= world.canvas.depth + 1).all()


def test_textured_backgrounds_differ_and_plain_ones_do_not():
    plain, textured = (World(32, textured=textured).scenes(range(24)).images() for textured in (False, True))
    assert len(np.unique(plain[:, 0, 0], axis=0)) == 1
    assert len(np.unique(textured[:, 0, 0], axis=0)) > 20
    assert textured[:, 0].std(axis=1).mean() > 3


def test_pictures_are_antialiased():
    images = World(32, channels=1).scenes(range(24)).images()
    assert len(np.unique(images)) > 100


def test_semantic_maps_and_outlines_follow_the_mask(world):
    scenes = world.scenes(range(48))
    masks, edges = scenes.masks(), scenes.outlines()
    assert masks.dtype == np.bool_
    assert np.array_equal(scenes.semantic(), np.where(masks, scenes.labels[:, None, None] + 1, 0))
    assert scenes.semantic().dtype == edges.dtype == np.uint8
    assert set(np.unique(edges)) == {0, 255}
    assert not edges[~masks].any()
    assert not edges[eroded(masks)].any()
    wide = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    beside_outside = ~(wide[:, 2:, 1:-1] & wide[:, :-2, 1:-1] & wide[:, 1:-1, 2:] & wide[:, 1:-1, :-2])
    assert np.array_equal(edges == 255, masks & beside_outside)


def test_the_second_style_tells_the_same_story(world):
    scenes = world.scenes(range(96))
    styled, distance = scenes.styled(), distances(scenes)
    assert styled.shape == scenes.images().shape
    assert styled.dtype == np.uint8
    paper, ink = world.canvas.paper.numpy(), world.canvas.ink.numpy()
    assert (styled[distance > 0.51] == paper).all()
    assert np.linalg.norm(styled[distance < -0.51] - paper, axis=-1).min() > 20
    line = max(1, world.canvas.side / 32)
    assert np.abs(styled[np.abs(distance + line / 2) < line / 2 - 0.5] - ink).max(initial=0) < 1
    # The deepest of the hatching is one of four paints: the scene's colour.
    palette = world.canvas.style_palette.numpy()
    for image, core, color in zip(styled, distance < -line - 0.51, scenes.colors, strict=True):
        paints = image[core & (world.canvas.hatch.numpy() == 1)]
        assert (paints == palette[color]).all()


def test_low_resolution_is_the_area_mean():
    scenes = World((24, 32)).scenes(range(12))
    low = scenes.low_resolution(4)
    assert low.shape == (12, 6, 8, 3)
    images = torch.from_numpy(scenes.images()).permute(0, 3, 1, 2).double()
    expected = torch.nn.functional.avg_pool2d(images, 4).round().permute(0, 2, 3, 1)
    assert np.abs(low - expected.numpy()).max() <= 1
    assert np.mean(low == expected.numpy()) > 0.99
    assert np.array_equal(scenes.low_resolution(1), scenes.images())


def test_clips_start_at_the_picture_and_move_as_stated():
    world = World(48, seed=5)
    scenes = world.scenes(range(24))
    clip = scenes.clip(6)
    assert clip.shape == (24, 6, 48, 48, 3)
    assert np.array_equal(clip[:, 0], scenes.images())
    assert np.array_equal(clip[:, 3], scenes.at(3).images())
    assert (np.abs(clip[:, 1:].astype(int) - clip[:, :-1]).max(axis=(1, 2, 3, 4)) > 0).all()
    moved = scenes.at(1)
    step = np.abs(np.column_stack([moved.x - scenes.x, moved.y - scenes.y]))
    reflected = step < np.abs(scenes.velocity) - 1e-9
    assert reflected.mean() < 0.3
    assert np.allclose(step[~reflected], np.abs(scenes.velocity)[~reflected])
    assert np.allclose(moved.angle - scenes.angle, scenes.spin)
    assert np.allclose(scenes.at(0).x, scenes.x)


def test_no_indices_give_no_pictures():
    scenes = World(16).scenes([])
    assert scenes.images().shape == (0, 16, 16, 3)
    assert scenes.captions() == []
    assert scenes.attributes.shape == (0, 7)


# ---- mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 15}, "size=15"),
        ({"size": (32, 8)}, "16 x 16"),
        ({"channels": 4}, "channels=4.*1 .grey. or 3"),
    ],
)
def test_worlds_that_cannot_be_drawn_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        World(**arguments)


@pytest.mark.parametrize("indices", [[-1], [0.5], [[1, 2]], ["a"]])
def test_indices_that_are_none_are_refused(indices):
    with pytest.raises(ValueError, match="indices="):
        World(16).scenes(indices)


def test_a_factor_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"factor=3.*20 x 28"):
        World((20, 28)).scenes([0]).low_resolution(3)


def test_a_clip_without_frames_is_refused():
    with pytest.raises(ValueError, match="frames=0"):
        World(16).scenes([0]).clip(0)
