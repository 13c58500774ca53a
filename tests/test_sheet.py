from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from aiodynaspark.errors import UnsupportedMedia, UsageError
from aiodynaspark.sheet import MAX_SIDE, _layout, contact_sheet

WORDS = [
    "INVOICE",
    "HAMMER",
    "RECEIPT",
    "MARKET",
    "GARDEN",
    "SIDEWAYS",
    "WINTER",
    "ORANGE",
    "LEMON",
]


def saved(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def page(word, size=(500, 200), ink="black", paper="white", mode="RGB"):
    image = Image.new("RGB", size, paper)
    font = ImageFont.load_default(size[0] // 8)
    ImageDraw.Draw(image).text((size[0] // 8, size[1] // 3), word, ink, font)
    return image.convert(mode)


def oriented(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def nine_pictures():
    grey = page(WORDS[2], mode="L")
    animation = [page(word, mode="P") for word in (WORDS[3], "SECOND")]
    return [
        saved(page(WORDS[0], (2400, 1600))),
        saved(page(WORDS[1], (3000, 900)), "JPEG"),
        saved(Image.fromarray(np.asarray(grey).astype("uint16") * 257)),
        saved(animation[0], "GIF", save_all=True, append_images=animation[1:]),
        saved(page(WORDS[4], ink="white", paper="darkgreen"), "WEBP"),
        saved(page(WORDS[5]).rotate(90, expand=True), "JPEG", exif=oriented(6)),
        saved(page(WORDS[6], (600, 900), paper="yellow", mode="CMYK"), "JPEG"),
        saved(page(WORDS[7], mode="L"), "JPEG", progressive=True),
        saved(page(WORDS[8], (240, 120))),
    ]


def opened(sheet):
    return Image.open(io.BytesIO(sheet)).convert("RGB")


def colour_of_the_only_tile(image, kind="PNG", **options):
    sheet = opened(contact_sheet([saved(image, kind, **options)])[0])
    return sheet.getpixel((16 + image.width // 2, 64 + image.height // 2))


def test_the_texts_of_nine_pictures_are_read_back():
    from rapidocr import RapidOCR

    sheet, _ = contact_sheet(nine_pictures())
    read = RapidOCR()(np.asarray(opened(sheet)))
    assert {*WORDS} <= set(read.txts)
    assert "SECOND" not in read.txts


def test_the_same_pictures_give_the_same_sheet():
    pictures = nine_pictures()
    assert contact_sheet(pictures) == contact_sheet(pictures)


def test_the_legend_numbers_the_pictures_by_name(tmp_path):
    path = tmp_path / "c.png"
    path.write_bytes(saved(page("C")))
    sheet, legend = contact_sheet(
        [
            (saved(page("A")), "dir/a\n9: fake.png"),
            page("B"),
            (path, "c.png"),
            io.BytesIO(saved(page("D"), "JPEG")),
        ]
    )
    assert sheet.startswith(b"\xff\xd8")
    assert legend == (
        "The picture is a contact sheet of 4 pictures. "
        "The number of each stands above its upper left corner:\n"
        "1: a%0A9: fake.png\n2: image.png\n3: c.png\n4: image.jpg"
    )


def test_a_small_picture_keeps_its_size():
    assert opened(contact_sheet([page("x", (500, 200))])[0]).size == (500 + 32, 200 + 48 + 32)


def test_sixteen_bits_keep_their_shade():
    grey = Image.fromarray(np.full((90, 90), 128 * 256, "uint16"))
    assert colour_of_the_only_tile(grey) == pytest.approx((128, 128, 128), abs=2)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode):
    assert colour_of_the_only_tile(Image.new(mode, (90, 90))) == (255, 255, 255)


@pytest.mark.parametrize("number", range(1, 9))
def test_a_picture_is_shown_upright(number):
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.new("RGB", (200, 100), "white")
    upright.paste("red", (0, 0, 60, 40))
    stored = upright.transpose(undone[number]) if number in undone else upright
    for kind in ("JPEG", "PNG", "WEBP"):
        sheet = opened(contact_sheet([saved(stored, kind, exif=oriented(number))])[0])
        assert sheet.size == (232, 180)
        assert sheet.getpixel((16 + 30, 64 + 20)) == pytest.approx((255, 0, 0), abs=40)


def test_damaged_exif_is_no_reason_to_refuse():
    damaged = saved(page("x"), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    with pytest.warns(UserWarning, match="EXIF|Truncated"):  # Pillow's own
        assert contact_sheet([damaged])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (saved(page("x"))[:-40], "damaged after its header"),
        (saved(page("x"), "JPEG")[:-200], "damaged after its header"),
        (saved(page("x"))[:20], "cut short in its header"),
        (saved(Image.new("1", (4100, 4000))), "too many to be decoded here"),
        (saved(Image.new("L", (4100, 4000)), "JPEG", progressive=True), "too many to be decoded"),
        (b"%PDF-1.7", "looks like a PDF document"),
    ],
)
def test_a_picture_that_is_refused_is_named_by_its_index(bad, reason):
    with pytest.raises(UnsupportedMedia, match=rf"^media\[1\]: .*{reason}"):
        contact_sheet([page("good"), bad])


def test_a_large_baseline_jpeg_is_decoded_at_a_smaller_scale():
    large = saved(Image.new("L", (7000, 7000), 200), "JPEG")
    assert max(opened(contact_sheet([large])[0]).size) <= MAX_SIDE


@pytest.mark.parametrize("count", [0, 37])
def test_too_few_or_too_many_pictures(count):
    with pytest.raises(UsageError, match=f"1 to 36 pictures, not {count};"):
        contact_sheet([b"never looked at"] * count)


sides = st.integers(1, 7000)


@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=12))
def test_tiles_lie_on_the_sheet_and_never_on_each_other(sizes):
    layout = _layout(sizes, MAX_SIDE**2 // max(len(sizes), 4))
    assert max(layout.size) <= MAX_SIDE
    taken = [(x, y - 48, x + max(w, 48), y + h) for x, y, w, h in layout.boxes]
    for index, (left, top, right, bottom) in enumerate(taken):
        assert left >= 0
        assert top >= 0
        assert right <= layout.size[0]
        assert bottom <= layout.size[1]
        for x, y, end, below in taken[:index]:
            assert right <= x or end <= left or bottom <= y or below <= top


@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=12))
def test_a_tile_keeps_its_shape_and_is_never_enlarged(sizes):
    layout = _layout(sizes, MAX_SIDE**2 // max(len(sizes), 4))
    for (width, height), (_, _, shown_width, shown_height) in zip(sizes, layout.boxes, strict=True):
        scale = max(shown_width, shown_height) / max(width, height)
        assert scale <= 1
        assert shown_width == pytest.approx(max(1, width * scale), abs=1)
        assert shown_height == pytest.approx(max(1, height * scale), abs=1)


def python(code):
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


def test_pillow_is_loaded_when_it_is_needed():
    assert python("import sys, aiodynaspark.sheet; assert 'PIL' not in sys.modules").returncode == 0


def test_without_pillow_one_is_told_what_to_install():
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "import aiodynaspark.sheet as sheet; sheet.contact_sheet([b''])"
    )
    assert "UsageError: A contact sheet needs Pillow; install it" in python(code).stderr
