"""Pictures made here and decoded for real; rapidocr reads the examples."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from aiodynaspark import media
from aiodynaspark.errors import UnsupportedMedia
from aiodynaspark.local import ocr, picture, png_strips, seeing
from aiodynaspark.local.colours import dominant_colours, name
from aiodynaspark.local.ocr import Piece

EXAMPLES = Path(__file__).parent.parent / "examples"


def gradient(mode: str, width: int = 61, height: int = 47) -> Image.Image:
    across = Image.linear_gradient("L").resize((width, height))
    down = across.transpose(Image.Transpose.ROTATE_90).resize((width, height))
    mixed = Image.merge("RGBA", (across, down, ImageChops.invert(across), down))
    if mode == "I;16":
        return across.convert("I").point(lambda value: value * 257).convert("I;16")
    return mixed.convert("RGB").convert(mode) if mode in ("P", "1") else mixed.convert(mode)


def saved(image: Image.Image, picture_format: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, picture_format, **options)
    return file.getvalue()


def decoded(data: bytes) -> tuple[Image.Image, bool]:
    return picture.decode(BytesIO(data), media.inspect(data))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("strip", [61, 61 * 5, 61 * 100])
def test_strips_are_what_pillow_decodes(mode: str, strip: int) -> None:
    image = gradient(mode)
    whole = Image.new(mode, image.size)
    if mode == "P":
        whole.putpalette(image.getpalette())
    top = 0
    for part in png_strips.strips(BytesIO(saved(image)), 2, strip):
        whole.paste(part, (0, top))
        top += part.height
    assert top == image.height
    assert whole.tobytes() == image.tobytes()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_strips_of_small_palettes(bits: int) -> None:
    image = gradient("RGB").quantize(2**bits)
    (part,) = png_strips.strips(BytesIO(saved(image, bits=bits)))
    assert part.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_strips_of_a_cut_or_changed_png_are_refused() -> None:
    data = saved(gradient("RGB"))
    body = data.index(b"IDAT") + 4
    for cut in range(body, len(data) - 16, 7):
        with pytest.raises(OSError, match=r"\w"):
            list(png_strips.strips(BytesIO(data[:cut])))
    changed = bytearray(data)
    changed[body + 40] ^= 0xFF
    with pytest.raises(OSError, match=r"\w"):
        list(png_strips.strips(BytesIO(bytes(changed))))


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_body_cut_short_is_refused(picture_format: str) -> None:
    data = saved(gradient("RGB", 400, 300), picture_format)
    decoded(data)
    for share in (0.5, 0.7, 0.9):
        cut = data[: int(len(data) * share)]
        with pytest.raises(UnsupportedMedia, match="body is cut short"):
            decoded(cut)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_any_mode_becomes_rgb(mode: str) -> None:
    small, turned = decoded(saved(gradient(mode)))
    assert (small.mode, small.size, turned) == ("RGB", (61, 47), False)
    assert len(small.getcolors(61 * 47) or ()) > 1


def test_what_is_transparent_is_white() -> None:
    clear, _ = decoded(saved(Image.new("RGBA", (9, 9), (255, 0, 0, 0))))
    assert clear.getcolors() == [(81, (255, 255, 255))]


@pytest.mark.parametrize("turn", range(1, 9))
def test_it_is_upright_as_exif_says(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    half = Image.new("RGB", (64, 32), "white")
    half.paste((0, 0, 0), (0, 0, 16, 16))
    data = saved(half, "JPEG", exif=exif, quality=95)
    small, turned = decoded(data)
    assert turned is (turn >= 5)
    assert small.size == ((32, 64) if turned else (64, 32))
    corners = {1: (4, 4), 2: (-4, 4), 3: (-4, -4), 4: (4, -4)}
    corners |= {5: (4, 4), 6: (-4, 4), 7: (-4, -4), 8: (4, -4)}
    x, y = corners[turn]
    assert max(small.getpixel((x % small.width, y % small.height))) < 60  # type: ignore[type-var]
    facts, _ = seeing.look(data)
    assert facts.orientation == ("portrait" if turned else "landscape")


MEASURE = """
import sys
from io import BytesIO
from pathlib import Path
from PIL import Image
from aiodynaspark import media
from aiodynaspark.local import picture

def peak():  # only Linux tells
    status = Path("/proc/self/status")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 if status.exists() else 0

Image.init()
first = BytesIO()
Image.new("RGB", (9, 9)).save(first, "PNG")
picture.decode(first, media.inspect(first.getvalue()))
before = peak()
with Path(sys.argv[1]).open("rb") as file:
    try:
        print(max(picture.decode(file, media.inspect(sys.argv[1]))[0].size))
    except picture.TooLarge:
        print("too large")
print(peak() - before)
"""


@pytest.mark.parametrize(
    ("mode", "sides", "suffix", "options", "expected"),
    [
        ("RGB", (7000, 7100), "png", {"compress_level": 1}, True),
        ("1", (7000, 7100), "png", {"compress_level": 1}, True),
        ("RGB", (7000, 7100), "jpg", {}, True),
        ("RGB", (3200, 3200), "png", {"compress_level": 1}, True),
        ("RGB", (4000, 3000), "jpg", {"progressive": True}, True),
        ("RGB", (7000, 7100), "jpg", {"progressive": True}, False),
        ("L", (7000, 7100), "gif", {}, False),
        ("RGB", (3000, 3000), "webp", {"method": 0}, False),
        ("RGB", (1600, 1600), "webp", {"method": 0}, True),
    ],
)
def test_decoding_takes_little_memory(
    tmp_path: Path,
    mode: str,
    sides: tuple[int, int],
    suffix: str,
    options: dict[str, Any],
    expected: bool,
) -> None:
    path = tmp_path / f"large.{suffix}"
    Image.linear_gradient("L").resize(sides).convert(mode).save(path, **options)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    result, grown = done.stdout.split("\n")[:2]
    assert (result != "too large") is expected
    assert int(grown) < 64_000_000
    if not expected:
        facts, said = seeing.look(path)
        assert (facts.width, facts.height, facts.colours, said) == (*sides, (), seeing.TOO_LARGE)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("#ffffff", "white"), ("#000000", "black"), ("#808080", "grey"), ("#c8c8c8", "light grey"),
        ("#ff0000", "red"), ("#f0102a", "red"), ("#ff8800", "orange"), ("#7a4a1e", "brown"),
        ("#ffe066", "yellow"), ("#0b6b3a", "green"), ("#00c8c8", "turquoise"),
        ("#1f4e8c", "blue"), ("#7a22b8", "purple"), ("#ff4fa0", "pink"),
    ],
)  # fmt: skip
def test_names_of_colours(colour: str, expected: str) -> None:
    assert name(*(int(colour[at : at + 2], 16) for at in (1, 3, 5))) == expected


def test_dominant_colours() -> None:
    flag = Image.new("RGB", (90, 60), "white")
    flag.paste((0, 0, 255), (0, 0, 30, 60))
    flag.paste((255, 0, 0), (70, 0, 90, 60))
    flag.paste((0, 255, 0), (70, 0, 71, 9))
    assert dominant_colours(flag) == ("white", "blue", "red")


def test_pieces_become_lines_in_reading_order() -> None:
    pieces = [
        Piece("42 EUR", 300, 102, 130),
        Piece("INVOICE", 20, 10, 50),
        Piece("TOTAL", 20, 100, 128),
        Piece("Thank you", 20, 140, 160),
    ]
    assert ocr.lines(pieces) == ("INVOICE", "TOTAL 42 EUR", "Thank you")
    assert ocr.lines([]) == ()


def test_the_examples_are_read_right() -> None:
    facts, said = seeing.look(EXAMPLES / "invoice.png", "What is the total?")
    assert said is None
    assert (facts.width, facts.height, facts.orientation) == (720, 860, "portrait")
    assert facts.colours == ("white", "blue")
    assert facts.text[0] == "INVOICE 2026"
    assert [facts.text[index] for index in facts.matches] == ["TOTAL 42 EUR"]
    sign, _ = seeing.look((EXAMPLES / "sign.png").read_bytes())
    assert sign.text[:2] == ("CITY MUSEUM", "Open: Tuesday to Sunday")
    chart, _ = seeing.look(EXAMPLES / "chart.png")
    assert chart.text[1:] == (
        "Apples 120", "Bananas 85", "Cherries 40", "Grapes 64", "Oranges 73"
    )  # fmt: skip


def test_an_empty_picture_has_no_text() -> None:
    facts, said = seeing.look(saved(Image.new("RGB", (300, 200), "white")), "What is it?")
    assert (facts.colours, facts.text, facts.matches, said) == (("white",), (), (), None)


WITHOUT = """
import sys
for missing in sys.argv[2:]:
    sys.modules[missing] = None
from aiodynaspark.local import seeing
facts, said = seeing.look(sys.argv[1])
print(facts.width, facts.colours, facts.text)
print(said)
"""


@pytest.mark.parametrize(
    ("missing", "stated"),
    [
        (["PIL"], ["720 () ()", seeing.NO_PILLOW]),
        (["rapidocr"], ["720 ('white', 'blue') ()", seeing.NO_READER]),
        (["onnxruntime"], ["720 ('white', 'blue') ()", seeing.NO_READER]),
    ],
)
def test_what_is_not_installed_is_named_and_the_rest_is_stated(
    missing: list[str], stated: list[str]
) -> None:
    command = [sys.executable, "-W", "error", "-c", WITHOUT, str(EXAMPLES / "invoice.png")]
    done = subprocess.run([*command, *missing], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == stated
    assert done.stderr == ""
    assert "pip install 'aiodynaspark[vision]'" in stated[1]


def test_the_examples_are_what_their_script_draws(tmp_path: Path) -> None:
    script = (EXAMPLES / "pictures.py").read_text()
    (tmp_path / "pictures.py").write_text(script)
    subprocess.run([sys.executable, str(tmp_path / "pictures.py")], check=True)
    for drawn in ("invoice", "sign", "chart"):
        with (
            Image.open(tmp_path / f"{drawn}.png") as new,
            Image.open(EXAMPLES / f"{drawn}.png") as kept,
        ):
            assert new.tobytes() == kept.tobytes()
