"""Networks that are recognised."""

from ganarium.interop import junyanz, pix2pixhd, spade
from ganarium.interop.layout import Family

FAMILIES: tuple[Family, ...] = (
    junyanz.RESNET,
    junyanz.UNET,
    junyanz.PATCH,
    junyanz.PIXEL,
    pix2pixhd.LOCAL,
    pix2pixhd.ENCODER,
    pix2pixhd.PLAIN,
    pix2pixhd.FEATURED,
    spade.GENERATOR,
    spade.ENCODER,
    spade.DISCRIMINATOR,
)
