from __future__ import annotations

import base64
import io
import os
import struct
import subprocess
import sys
import threading
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aiodynaspark.errors import UnsupportedMedia, UsageError
from aiodynaspark.media import (
    MAX_PIXELS,
    MAX_SIZE,
    MediaInfo,
    inspect,
    is_accepted_format,
    media_items,
    open_media,
    to_bytes,
    to_data_uri,
)


def picture(kind="PNG", mode="RGB", size=(7, 5), **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def frames(kind, mode="P"):
    first, *rest = (Image.new(mode, (7, 5), colour) for colour in range(3))
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=rest)
    return buffer.getvalue()


def webp(chunk, body):
    return b"RIFF" + struct.pack("<I", len(body) + 12) + b"WEBP" + chunk + bytes(4) + body


def jpeg_frame(width, height, marker=0xC0, precision=8, components=3):
    body = struct.pack(">BHHB", precision, height, width, components) + b"\1\x11\0" * components
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def png_header(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(9)


PNG, JPEG, GIF, WEBP = (picture(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP"))
TYPES = {"image/png": PNG, "image/jpeg": JPEG, "image/gif": GIF, "image/webp": WEBP}
HEADERS = {
    "image/png": png_header(7, 5),
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10" + bytes(14) + jpeg_frame(7, 5),
    "image/gif": b"GIF89a\7\0\5\0\0\0\0",
    "image/webp": webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\7\0\5\0"),
}
EXTENDED_WEBP = webp(b"VP8X", bytes(4) + b"\6\0\0\4\0\0")
LOSSLESS_WEBP = webp(b"VP8L", b"\x2f" + struct.pack("<I", 6 | 4 << 14))


class Pipe(io.RawIOBase):
    """Gives what it has in small pieces, once."""

    def __init__(self, data):
        self.rest = data

    def readable(self):
        return True

    def readinto(self, buffer):
        piece, self.rest = self.rest[: min(5, len(buffer))], self.rest[min(5, len(buffer)) :]
        buffer[: len(piece)] = piece
        return len(piece)


class TestFormat:
    @pytest.mark.parametrize(("content_type", "data"), TYPES.items())
    def test_it_goes_by_the_first_bytes(self, content_type, data):
        assert is_accepted_format(data) == content_type

    @pytest.mark.parametrize(
        ("head", "content_type"),
        [
            (b"\xff\xd8", "image/jpeg"),
            (b"\x89JFIF", "image/jpeg"),
            (b"JFIF\0", "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"GIF87a", "image/gif"),
            (b"GIF89a", "image/gif"),
            (b"RIFF....WEBP", "image/webp"),
        ],
    )
    def test_the_signature_is_enough(self, head, content_type):
        assert is_accepted_format(head) == content_type
        assert is_accepted_format(memoryview(head)) == content_type

    @pytest.mark.parametrize(
        "data", [b"", b"\x89PNG", b"GIF88a", b"RIFF....WAVE", b"JFIF", b"\xff", b"\0" * 64]
    )
    def test_anything_else_is_unsupported(self, data):
        with pytest.raises(UnsupportedMedia):
            is_accepted_format(data)


class TestToBytes:
    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_bytes_stay_as_they_are(self, kind):
        assert to_bytes(kind(b"anything")) == b"anything"

    def test_a_path_is_read(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(PNG)
        assert to_bytes(path) == to_bytes(str(path)) == PNG

    def test_a_file_object_is_read_from_its_start_and_left_where_it_stood(self):
        file = io.BytesIO(PNG)
        file.seek(9)
        assert to_bytes(file) == PNG
        assert file.tell() == 9

    def test_a_pipe_is_read_as_it_stands(self):
        assert to_bytes(Pipe(PNG)) == PNG

    @pytest.mark.parametrize(
        "head",
        [
            "data:image/png;base64,",
            "data:image/jpeg;base64,",
            "data:image/jpg;base64,",
            "data:image/gif;base64,",
            "data:image/webp;base64,",
            "DATA:image/PNG;charset=utf-8;base64,",
        ],
    )
    def test_a_data_uri_is_decoded(self, head):
        assert to_bytes(head + base64.b64encode(PNG).decode()) == PNG

    def test_a_data_uri_may_be_escaped_wrapped_or_without_padding(self):
        for payload in ("%2B%2F8%3D", "+/8", "+/\r\n8="):
            assert to_bytes(f"data:image/png;base64,{payload}") == b"\xfb\xff"

    @pytest.mark.parametrize(
        "uri",
        [
            "data:image/png,abc",
            "data:image/svg+xml;base64,AAAA",
            "data:text/plain;base64,AAAA",
            "data:;base64,AAAA",
            "data:image/png;base64,A",
            "data:image/png;base64,A*==",
            "data:",
        ],
    )
    def test_another_data_uri_is_unsupported(self, uri):
        with pytest.raises(UnsupportedMedia, match="data URI"):
            to_bytes(uri)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_a_pil_image_is_saved_in_its_own_format(self, kind):
        data = to_bytes(Image.open(io.BytesIO(picture(kind))))
        assert Image.open(io.BytesIO(data)).format == kind

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
    def test_a_pil_image_without_a_format_becomes_png(self, mode):
        assert inspect(Image.new(mode, (7, 5))).content_type == "image/png"

    @pytest.mark.parametrize(
        ("kind", "saved"), [("TIFF", "image/png"), ("BMP", "image/png"), ("MPO", "image/jpeg")]
    )
    def test_a_pil_image_of_a_foreign_format_is_carried_too(self, kind, saved):
        assert inspect(Image.open(io.BytesIO(picture(kind)))).content_type == saved

    def test_a_pil_image_keeps_its_orientation(self):
        image = Image.open(io.BytesIO(picture("JPEG", exif=oriented(6))))
        assert Image.open(io.BytesIO(to_bytes(image))).getexif()[0x0112] == 6

    def test_a_pil_image_that_left_its_format_behind_becomes_png(self):
        image = Image.open(io.BytesIO(JPEG))
        image.putalpha(9)
        image.format = "JPEG"
        assert inspect(image).content_type == "image/png"

    def test_a_pil_image_that_is_cut_is_unsupported(self):
        data = picture("JPEG", size=(400, 400))
        with pytest.raises(UnsupportedMedia, match="truncated"):
            to_bytes(Image.open(io.BytesIO(data[:-400])))

    def test_whatever_a_decoder_runs_into_is_unsupported_media(self):
        class Damaged(Image.Image):
            def getexif(self):
                raise SyntaxError("broken PNG file")

        with pytest.raises(UnsupportedMedia, match="cannot be saved: broken PNG file"):
            to_bytes(Damaged())

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.png", "HTTPS://x/a.png", "file:///a"])
    def test_a_url_is_never_fetched(self, url):
        with pytest.raises(UnsupportedMedia, match="URL"):
            to_bytes(url)

    @pytest.mark.parametrize("source", [None, 42, object(), {"url": "x"}, [PNG]])
    def test_something_else_is_named_by_its_type(self, source):
        with pytest.raises(UnsupportedMedia, match=f"A {type(source).__name__} is no picture"):
            to_bytes(source)


@pytest.mark.parametrize("function", [to_bytes, to_data_uri, inspect, open_media])
class TestUnreadable:
    def test_a_missing_file_is_named_as_given(self, function):
        with pytest.raises(UnsupportedMedia, match=r"^There is no file no/such\.png; check"):
            function("no/such.png")

    def test_a_directory(self, function, tmp_path):
        with pytest.raises(UnsupportedMedia, match="is a directory"):
            function(tmp_path)

    def test_an_empty_file(self, function, tmp_path):
        path = tmp_path / "empty.png"
        path.touch()
        with pytest.raises(UnsupportedMedia, match=r"empty\.png is empty"):
            function(path)
        with pytest.raises(UnsupportedMedia, match="The picture is empty"):
            function(io.BytesIO())

    def test_a_path_that_cannot_be(self, function):
        for name in ("a\0b", "x" * 100_000):
            with pytest.raises(UnsupportedMedia) as caught:
                function(name)
            assert len(str(caught.value)) < 250

    def test_a_named_pipe_is_not_waited_for(self, function, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UnsupportedMedia, match="no regular file"):
            function(tmp_path / "pipe")

    def test_a_closed_file(self, function):
        file = io.BytesIO(PNG)
        file.close()
        with pytest.raises(UnsupportedMedia, match="cannot be read"):
            function(file)

    def test_a_text_file(self, function):
        with pytest.raises(UnsupportedMedia, match="binary mode"):
            function(io.StringIO("text"))

    def test_a_disk_that_fails(self, function):
        class Broken(io.BytesIO):
            def read(self, size=-1):
                if size:
                    raise OSError(5, "Input/output error")
                return b""

        with pytest.raises(UnsupportedMedia, match="Input/output error"):
            function(Broken(PNG))


class TestDataUri:
    @pytest.mark.parametrize(("content_type", "data"), TYPES.items())
    def test_the_type_is_told_by_the_bytes(self, content_type, data):
        uri = to_data_uri(data)
        assert uri.startswith(f"data:{content_type};base64,")
        assert to_bytes(uri) == data
        assert to_data_uri(uri) == uri

    def test_other_bytes_are_unsupported(self):
        with pytest.raises(UnsupportedMedia, match="looks like a PDF document"):
            to_data_uri(b"%PDF-1.7\n")


class TestInspect:
    @pytest.mark.parametrize("content_type", TYPES)
    def test_type_sides_and_size(self, content_type, tmp_path):
        data = TYPES[content_type]
        expected = MediaInfo(content_type, 7, 5, len(data))
        path = tmp_path / "wrong.txt"
        path.write_bytes(data)
        file = io.BytesIO(data)
        file.seek(3)
        assert inspect(data) == inspect(memoryview(data)) == expected
        assert inspect(path) == inspect(str(path)) == inspect(to_data_uri(data)) == expected
        assert inspect(file) == expected
        assert file.tell() == 3

    @pytest.mark.parametrize(
        "data",
        [
            picture("JPEG", "CMYK"),
            picture("JPEG", "L"),
            picture("JPEG", progressive=True),
            *(picture("JPEG", exif=oriented(number)) for number in range(1, 9)),
            picture("JPEG", icc_profile=os.urandom(300_000)),
            picture("MPO"),
            picture("PNG", "I;16"),
            picture("PNG", "P"),
            picture("PNG", "RGBA"),
            picture("WEBP", lossless=True),
            picture("WEBP", "RGBA"),
            picture("WEBP", exif=oriented(6)),
            frames("GIF"),
            frames("PNG"),
            frames("WEBP", "L"),
            EXTENDED_WEBP,
            LOSSLESS_WEBP,
            b"\xff\xd8\xff\xff\xff\xe1\0\2" + jpeg_frame(7, 5, marker=0xC2, precision=12),
        ],
    )
    def test_every_honest_kind_is_taken(self, data):
        info = inspect(data)
        assert (info.width, info.height) == (7, 5)

    @pytest.mark.parametrize("content_type", HEADERS)
    def test_a_header_cut_anywhere_is_refused(self, content_type):
        header = HEADERS[content_type]
        assert inspect(header) == MediaInfo(content_type, 7, 5, len(header))
        for end in range(len(header)):
            with pytest.raises(UnsupportedMedia):
                inspect(header[:end])

    @pytest.mark.parametrize("header", [EXTENDED_WEBP, LOSSLESS_WEBP])
    def test_every_kind_of_webp_is_cut_too(self, header):
        for end in range(len(header)):
            with pytest.raises(UnsupportedMedia):
                inspect(header[:end])

    @pytest.mark.parametrize("data", TYPES.values())
    def test_a_body_cut_anywhere_is_for_the_decoder(self, data):
        taken = []
        for end in range(len(data)):
            with suppress(UnsupportedMedia):
                taken.append(inspect(data[:end]))
        assert {(info.width, info.height) for info in taken} == {(7, 5)}
        assert [info.size for info in taken] == list(range(taken[0].size, len(data)))

    @pytest.mark.parametrize(
        ("data", "looks_like"),
        [
            (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
            (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<SVG/>', "an SVG drawing"),
            ("<svg/>".encode("utf-16"), "an SVG drawing"),
            (b"%PDF-1.7", "a PDF document"),
            (b"\n<!DOCTYPE html><svg/>", "an HTML page"),
            (b"<html><svg/>", "an HTML page"),
            (b"<?xml version='1.0'?><a/>", "an XML file"),
            (b"%!PS-Adobe-3.0 EPSF-3.0", "an EPS drawing"),
            (b"\xc5\xd0\xd3\xc6" + bytes(26), "an EPS drawing"),
            (base64.b64encode(PNG), "a picture in base64 text"),
            (base64.b64encode(JPEG), "a picture in base64 text"),
            (to_data_uri(GIF).encode(), "a picture in base64 text"),
            (picture("TIFF"), "a TIFF picture"),
            (picture("BMP"), "a BMP picture"),
            (picture("ICO", size=(16, 16)), "an icon"),
            (picture("JPEG2000"), "a JPEG 2000 picture"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC picture"),
            (b"\0\0\0\x18ftypavif\0\0\0\0", "an AVIF picture"),
            (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
            (b"PK\3\4" + bytes(20), "a ZIP archive"),
            (b"\x1f\x8b\x08" + bytes(20), "a gzip file"),
            (b"8BPS\0\1", "a Photoshop file"),
            (b"Just words.\r\n", "text"),
        ],
    )
    def test_what_is_no_picture_is_named_whatever_its_file_is_called(
        self, data, looks_like, tmp_path
    ):
        path = tmp_path / "picture.png"
        path.write_bytes(data)
        with pytest.raises(
            UnsupportedMedia, match=rf"picture\.png looks like {looks_like}.*; send"
        ):
            inspect(path)

    def test_bytes_of_no_known_kind(self):
        with pytest.raises(UnsupportedMedia, match=r"^The picture is no picture|is no picture"):
            inspect(bytes(range(64)))

    @pytest.mark.parametrize(
        "data",
        [
            png_header(0, 5),
            png_header(5, 0),
            b"GIF89a\0\0\5\0\0\0\0",
            b"\xff\xd8" + jpeg_frame(7, 0),
            webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\0\0\5\0"),
        ],
    )
    def test_a_side_of_zero_is_refused(self, data):
        with pytest.raises(UnsupportedMedia, match="has no size"):
            inspect(data)

    def test_the_largest_picture_is_taken_and_the_next_is_not(self):
        assert inspect(png_header(10_000, 5_000)).width * 5_000 == MAX_PIXELS
        for data in (
            png_header(10_000, 5_001),
            b"\xff\xd8" + jpeg_frame(65_500, 65_500),
            b"GIF89a" + b"\xff" * 4 + bytes(3),
            webp(b"VP8X", bytes(4) + b"\xff" * 6),
        ):
            with pytest.raises(UnsupportedMedia, match=r"pixels, more than 50,000,000; scale"):
                inspect(data)

    def test_a_gif_frame_beyond_the_screen_counts(self):
        screen = b"GIF89a\1\0\1\0\x80\0\0" + bytes(6)
        extension = b"!\xf9\4\0\0\0\0\0"
        frame = b"," + struct.pack("<4H", 0, 0, 60_000, 60_000)
        with pytest.raises(UnsupportedMedia, match="60000 x 60000"):
            inspect(screen + extension + frame)

    def test_the_largest_file_is_taken_and_the_next_is_not(self, tmp_path):
        path = tmp_path / "large.png"
        path.write_bytes(PNG)
        os.truncate(path, MAX_SIZE)
        assert inspect(path).size == 20_971_520
        os.truncate(path, MAX_SIZE + 1)
        with pytest.raises(UnsupportedMedia, match=r"large\.png has more than 20,971,520 bytes"):
            inspect(path)

    def test_a_pipe_is_refused_before_it_is_used_up(self):
        pipe = Pipe(PNG)
        with pytest.raises(UnsupportedMedia, match="only once"):
            inspect(pipe)
        assert pipe.rest == PNG

    @pytest.mark.parametrize(
        "data",
        [
            b"\xff\xd8" + b"\xff\xe0\0\2" * 100_000,
            b"\xff\xd8" + b"\xff" * 100_000,
            b"\xff\xd8\xff\xe0\0\0",
            b"\xff\xd8\xff\xe0\0\1",
            b"\xff\xd8\xff\xe0\xff\xff" + bytes(9),
            b"\xff\xd8\xff\xd9",
            b"\xff\xd8\xff\xda\0\2",
            b"\xff\xd8\xff\xd8",
            b"\xff\xd8\0\0",
            b"\xff\xd8\xff\xc0\0\7\x08\0\5\0\7",
            b"\xff\xd8\xff\xc0\0\x09\x08\0\5\0\7\3\0",
            b"JFIF\0" + bytes(64),
            b"\x89PNG\r\n\x1a\n\0\0\0\x0eIHDR" + bytes(17),
            b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT" + bytes(17),
            b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\0" * 100_000,
            b"GIF89a\1\0\1\0\0\0\0!\xfe" + b"\1a" * 100_000,
            webp(b"JUNK", bytes(20)),
            webp(b"VP8L", bytes(20)),
            webp(b"VP8 ", bytes(20)),
            webp(b"VP8 ", b"\1\0\0\x9d\x01\x2a\7\0\5\0"),
        ],
    )
    def test_a_hostile_header_is_refused(self, data):
        class Counted(io.BytesIO):
            reads = 0

            def read(self, size=-1):
                self.reads += 1
                return super().read(size)

        file = Counted(data)
        with pytest.raises(UnsupportedMedia, match="header"):
            inspect(file)
        assert file.reads < 200

    def test_a_large_file_is_not_read(self, tmp_path):
        path = tmp_path / "large.jpg"
        path.write_bytes(picture("JPEG", icc_profile=bytes(5_000_000)))
        tracemalloc.start()
        try:
            assert inspect(path).width == 7
            assert tracemalloc.get_traced_memory()[1] < 500_000
        finally:
            tracemalloc.stop()

    @given(st.binary(), st.sampled_from([*HEADERS.values(), EXTENDED_WEBP, LOSSLESS_WEBP, b""]))
    def test_random_bytes_are_a_picture_or_unsupported(self, data, header):
        for end in {len(header), len(header) // 2, 12}:
            with suppress(UnsupportedMedia):
                info = inspect(header[:end] + data)
                assert 0 < info.width * info.height <= MAX_PIXELS


class TestOpenMedia:
    @pytest.mark.parametrize("content_type", TYPES)
    @pytest.mark.parametrize("name", [None, "", "a/", "..", "a\\..", "C:\\"])
    def test_a_picture_without_a_name_is_called_by_its_type(self, content_type, name):
        suffix = content_type.removeprefix("image/").replace("jpeg", "jpg")
        attachment = open_media(TYPES[content_type], name)
        assert attachment.name == f"image.{suffix}"
        assert attachment.content_type == content_type
        assert attachment.size == len(TYPES[content_type])

    @pytest.mark.parametrize(
        ("name", "sent"),
        [
            ("image.png", "image.png"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\a.png", "a.png"),
            ("a\\b/c.png", "c.png"),
            ('a"b\r\nX-Evil: 1\0.png', "a%22b%0D%0AX-Evil: 1%00.png"),
            ("фото ☃.png", "фото ☃.png"),
            ("a\udcff.png", "a\ufffd.png"),
            ("100%.png", "100%.png"),
        ],
    )
    def test_a_name_is_fit_for_a_header(self, name, sent):
        assert open_media(PNG, name).name == sent
        sent.encode()

    @given(st.text())
    def test_no_name_breaks_a_header(self, name):
        sent = open_media(PNG, name).name.encode()
        assert sent
        assert not set(sent) & set(b'\r\n\0"/\\')

    def test_the_content_opens_several_times(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(PNG)
        with path.open("rb") as file:
            file.seek(2)
            for source in (PNG, bytearray(PNG), path, str(path), file, io.BytesIO(PNG), Pipe(PNG)):
                attachment = open_media(source)
                for _ in range(2):
                    with attachment.open() as content:
                        assert content.read(10) + content.read() == PNG
            assert file.tell() == 2
            assert not file.closed

    def test_bytes_are_not_copied(self):
        data = PNG + bytes(5_000_000)
        tracemalloc.start()
        try:
            with open_media(data).open() as content:
                assert content.read(8) == PNG[:8]
            assert tracemalloc.get_traced_memory()[1] < 100_000
        finally:
            tracemalloc.stop()

    def test_files_are_not_read(self, tmp_path):
        path = tmp_path / "large.png"
        path.write_bytes(PNG)
        os.truncate(path, 50_000_000)
        tracemalloc.start()
        try:
            with path.open("rb") as file:
                for source in (path, file):
                    attachment = open_media(source)
                    assert attachment.size == 50_000_000
                    with attachment.open() as content:
                        assert sum(map(len, iter(lambda: content.read(65536), b""))) == 50_000_000
            assert tracemalloc.get_traced_memory()[1] < 500_000
        finally:
            tracemalloc.stop()

    def test_two_uploads_of_one_file_object_do_not_disturb_each_other(self):
        data = PNG + os.urandom(500_000)
        attachment = open_media(io.BytesIO(data))
        results = []

        def upload():
            with attachment.open() as content:
                results.append(b"".join(iter(lambda: content.read(4096), b"")))

        threads = [threading.Thread(target=upload) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [data] * 4

    def test_a_lent_file_may_be_lent_on(self):
        with open_media(io.BytesIO(PNG)).open() as content:
            content.read(3)
            assert inspect(content) == inspect(PNG)
            assert content.read() == PNG[3:]

    def test_the_lent_file_seeks_like_any_file(self):
        with open_media(io.BytesIO(PNG)).open() as content:
            assert content.seek(0, io.SEEK_END) == content.tell() == len(PNG)
            assert content.seek(8) == 8
            assert content.read(8) == PNG[8:16]
            assert content.seek(-4, io.SEEK_CUR) == 12
            assert content.read(4) == b"IHDR"

    def test_a_file_that_went_away_is_told_when_it_is_opened(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(PNG)
        attachment = open_media(path)
        path.unlink()
        with pytest.raises(UnsupportedMedia, match="There is no file"):
            attachment.open()

    def test_a_file_object_closed_meanwhile_is_told_when_it_is_opened(self):
        file = io.BytesIO(PNG)
        attachment = open_media(file)
        file.close()
        with pytest.raises(UnsupportedMedia, match="cannot be read"):
            attachment.open()

    def test_closing_the_callers_file_first_is_no_fault(self):
        file = io.BytesIO(PNG)
        content = open_media(file).open()
        file.close()
        content.close()

    def test_a_pipe_without_end_is_refused(self):
        class Endless(Pipe):
            def readinto(self, buffer):
                return len(buffer)

        with pytest.raises(UnsupportedMedia, match="more than 20,971,520 bytes"):
            open_media(Endless(b""))

    def test_what_is_no_picture_is_unsupported(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_text("<svg/>")
        with pytest.raises(UnsupportedMedia, match=r"a\.png looks like an SVG drawing"):
            open_media(path, "a.png")


class TestMediaItems:
    def test_pairs_and_bare_sources_become_pairs(self):
        image = Image.new("L", (1, 1))
        file = io.BytesIO(PNG)
        assert media_items(None) == media_items([]) == []
        assert media_items([(PNG, "a.png"), [PNG, None], PNG, "a.png", Path("b"), file, image]) == [
            (PNG, "a.png"),
            (PNG, None),
            (PNG, None),
            ("a.png", None),
            (Path("b"), None),
            (file, None),
            (image, None),
        ]
        assert media_items(((PNG, "a.png"),)) == [(PNG, "a.png")]

    @pytest.mark.parametrize(
        "item", [None, 42, (PNG,), (PNG, "a", "b"), (PNG, 7), ("a.png", PNG), (None, "a"), {}, []]
    )
    def test_a_wrong_shape_is_named_by_its_index(self, item):
        with pytest.raises(UsageError, match=r"^media\[1\] "):
            media_items([PNG, item])

    @pytest.mark.parametrize("media", [PNG, "a.png", 42, {"a": 1}, io.BytesIO(PNG)])
    def test_media_must_be_a_list(self, media):
        with pytest.raises(UsageError, match="media must be a list"):
            media_items(media)


def test_importing_media_loads_no_pil():
    code = "import sys, aiodynaspark.media; sys.exit(any(m.startswith('PIL') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
