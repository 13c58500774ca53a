"""Draw the three example pictures beside this file; the same bytes every time.

Needs Pillow: ``pip install 'aiodynaspark[vision]'``.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
INK, GREY, PAPER = "#1b1b1b", "#777777", "#ffffff"


def text(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    words: str,
    size: int,
    fill: str = INK,
    anchor: str = "la",
) -> None:
    """Write words with the font that Pillow brings."""
    draw.text(at, words, font=ImageFont.load_default(size), fill=fill, anchor=anchor)


def invoice() -> Image.Image:
    """Draw an invoice: three items, a date, a total."""
    page = Image.new("RGB", (720, 860), PAPER)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 720, 110), fill="#1f4e8c")
    text(draw, (48, 32), "INVOICE 2026", 44, PAPER)
    text(draw, (48, 140), "Nordwind Tools Ltd.", 28)
    text(draw, (48, 182), "Invoice number: 1047", 26, GREY)
    text(draw, (48, 222), "Customer: Maria Keller", 26, GREY)
    items = (("2 hammers", "18 EUR"), ("1 saw", "15 EUR"), ("3 boxes of nails", "9 EUR"))
    for row, (item, price) in enumerate(items):
        y = 310 + 70 * row
        text(draw, (48, y), item, 30)
        text(draw, (672, y), price, 30, anchor="ra")
        draw.line((48, y + 50, 672, y + 50), fill="#cccccc", width=2)
    text(draw, (48, 560), "TOTAL", 40)
    text(draw, (672, 560), "42 EUR", 40, anchor="ra")
    text(draw, (48, 660), "Due date: 15 March 2026", 28)
    text(draw, (48, 706), "Please pay by bank transfer.", 26, GREY)
    return page


def sign() -> Image.Image:
    """Draw the sign of a museum."""
    board = Image.new("RGB", (900, 560), "#0b6b3a")
    draw = ImageDraw.Draw(board)
    draw.rectangle((16, 16, 884, 544), outline=PAPER, width=6)
    text(draw, (450, 60), "CITY MUSEUM", 64, PAPER, "ma")
    text(draw, (450, 170), "Open: Tuesday to Sunday", 40, PAPER, "ma")
    text(draw, (450, 235), "Hours: 10:00 - 18:00", 40, PAPER, "ma")
    text(draw, (450, 300), "Closed on Monday", 40, "#ffe066", "ma")
    text(draw, (450, 395), "Adults 12 EUR", 36, PAPER, "ma")
    text(draw, (450, 455), "Children 5 EUR", 36, PAPER, "ma")
    return board


def chart() -> Image.Image:
    """Draw a chart of five bars with labels and numbers."""
    page = Image.new("RGB", (960, 620), PAPER)
    draw = ImageDraw.Draw(page)
    text(draw, (48, 36), "Fruit sold in May, in kilograms", 38)
    bars = (("Apples", 120), ("Bananas", 85), ("Cherries", 40), ("Grapes", 64), ("Oranges", 73))
    for row, (label, value) in enumerate(bars):
        y = 130 + 92 * row
        text(draw, (48, y + 12), label, 32)
        draw.rectangle((240, y, 240 + 5 * value, y + 60), fill="#d9822b")
        text(draw, (256 + 5 * value, y + 12), str(value), 32)
    return page


if __name__ == "__main__":
    for draw_picture in (invoice, sign, chart):
        draw_picture().save(HERE / f"{draw_picture.__name__}.png", optimize=True)
