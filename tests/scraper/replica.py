"""A small replica of the whole site: 58 sections with invented songs, and its menu in each form that was seen.

The forms: the home page of 2018 (no sidebar, links from "./music/", counts behind the links), the page /music/ of 2024
(absolute paths, relative links to groups), the sidebar, and links with the whole address.
"""

from collections.abc import Callable
from html import escape
from pathlib import Path

from tests.scraper.conftest import midi, row

MUSIC = "/music/"
GROUPS = {
    "Nintendo": (
        "console/nintendo",
        "gameboy=Game Boy gba=Game Boy Advance gamecube=GameCube n64=Nintendo 64 nds=Nintendo DS 3ds=Nintendo 3DS nes=NES "
        "snes=SNES switch=Nintendo Switch virtualboy=Virtual Boy wii=Wii wiiu=Wii U",
    ),
    "Sony": (
        "console/sony",
        "ps1=Sony PlayStation ps2=Sony PlayStation 2 ps3=Sony PlayStation 3 ps4=Sony PlayStation 4 psp=Sony PSP",
    ),
    "Sega": (
        "console/sega",
        "32x=Sega 32X dreamcast=Sega Dreamcast gamegear=Sega Game Gear genesis=Sega Genesis master=Sega Master System "
        "saturn=Sega Saturn segacd=Sega CD sg1000=SG-1000",
    ),
    "Microsoft": ("console/microsoft", "xbox=Xbox xbox360=Xbox 360 xboxone=Xbox One"),
    "NEC": ("console/nec", "pcfx=PC-FX sgx=SuperGrafx tduo=TurboDuo tg16=TurboGrafx-16"),
    "Atari": ("console/atari", "2600=Atari 2600 7800=Atari 7800 jaguar=Atari Jaguar lynx=Atari Lynx"),
    "SNK": ("console/snk", "neogeo=Neo Geo neogeopocket=Neo Geo Pocket"),
    "Computers": (
        "computer",
        "amiga/amiga=Amiga amstrad/amstradcpc=Amstrad CPC apple/apple2=Apple II apple/mac=Macintosh atari/atarist=Atari ST "
        "commodore/commodore=Commodore 64 microsoft/windows=DOS / Windows fujitsu/fmtowns=FM Towns microsoft/msx=MSX "
        "microsoft/msx2=MSX 2 nec/pc-88=PC-88 nec/pc-98=PC-98 sharp/x68k=Sharp X68000 sinclair/spectrum=ZX Spectrum",
    ),
    "Others": (
        "other",
        "miscellaneous/arcade=Arcade miscellaneous/comedy=Comedy & Memes miscellaneous/medleys=Medleys "
        "miscellaneous/piano=Piano Only miscellaneous/pinball=Pinball miscellaneous/remixes=Remixes",
    ),
}
GROUP_PAGES = ("/music/console/sega/", "/music/console/sony/")  # answer, and list no file
EMPTY = ("Xbox One", "Comedy & Memes")
NO_SONGS = b"<html><body><table><tr class='header'><th class='header'>Song Title</th></tr></table></body></html>"


def sections() -> list[tuple[str, str, str]]:
    """Return (group, path below /music/, title) of the 58 sections."""
    found = []
    for group, (folder, words) in GROUPS.items():
        names = words.split("=")
        slugs = [names[0], *(name.rpartition(" ")[2] for name in names[1:-1])]
        titles = [*(name.rpartition(" ")[0] for name in names[1:-1]), names[-1]]
        found += [(group, f"{folder}/{slug}/", title) for slug, title in zip(slugs, titles, strict=True)]
    return found


SECTIONS = sections()


def songs(number: int) -> int:
    """Return how many songs a section has."""
    return 0 if SECTIONS[number][2] in EMPTY else 1 + number % 3


def home(counts: bool) -> str:
    """Return the menu as the home page of 2018 has it."""
    return _menu(lambda path: f"./music/{path}", counts) + (
        '<select><option value="http://www.vgmusic.com/music/console/nintendo/nes/">NES</select>'
        "<p>Please do not link directly to the music files"
    )


def music(counts: bool) -> str:
    """Return the menu as the page /music/ of 2024 has it, with links to groups."""
    groups = (
        '<p class="menuhead">Groups<p class="menu"><a href="console/nintendo">Nintendo</a><br>'
        '<a href="console/sony/">Sony</a> (1)<br><a href="/music/console/sega/">Sega</a><br>'
    )
    return groups + _menu(lambda path: f"/music/{path}", counts).replace("\n", "\r\n")


def sidebar(counts: bool) -> str:
    """Return the menu in a sidebar, beside links that are none of it."""
    text = _menu(lambda path: path, counts)
    return f'<p class="menu"><a href="./music/not/in/sidebar/">X</a></p><div id="sidebar">{text}</div>'


def addresses(counts: bool) -> str:
    """Return a menu of whole addresses."""
    return _menu(lambda path: f"http://www.vgmusic.com/music/{path}index.html", counts)


FORMS: tuple[Callable[[bool], str], ...] = (home, music, sidebar, addresses)


def _menu(link: Callable[[str], str], counts: bool) -> str:
    texts = [
        '<p class="menuhead">Site</p><p class="menu"><a href="/">Home</a><br><a href="/updates/">Updates</a> <b>1</b>'
    ]
    before = ""
    for number, (group, path, title) in enumerate(SECTIONS):
        if group != before:
            texts.append(f'<p class="menularge">\n {group}\n</p>\n<p class="menu">')
        text = title if number % 2 else escape(title)  # the site has a bare "&"
        texts.append(
            f' <a href="{link(path)}">{text}</a>' + (f"\n ({4190 + songs(number):,}) \n" if counts else "") + " <br>"
        )
        before = group
    return "\n".join(texts)


def pages(number: int) -> tuple[bytes, dict[str, bytes]]:
    """Return the listing page of a section, in the older or newer layout, and its files."""
    if not songs(number):
        return NO_SONGS, {}
    files = {f"song_{number}_{song}.mid": midi(3 * number + song) for song in range(songs(number))}
    game = f"Game of {SECTIONS[number][2]}"
    cell = f'<a name="{escape(game)}">{escape(game)}</a>' if number % 2 else escape(game)
    head = f'<tr class="{"header" if number % 2 else "gameheader"}"><td class="header" colspan="5">{cell}</td></tr>'
    rows = "\n".join(row(name, data, f"Theme {name[5:-4]}") for name, data in files.items())
    columns = '<tr><th class="header">Song Title</th><th class="header">File Size</th></tr><tr><td></td></tr>'
    return f"<html><body><table>{columns}{head}\n{rows}</table></body></html>".encode(), files


def write_replica(folder: Path, menu: str) -> None:
    """Write the site to `folder`, as a static server serves it."""
    (folder / "robots.txt").parent.mkdir(parents=True, exist_ok=True)
    (folder / "robots.txt").write_bytes(b"User-agent: *\nDisallow: /new-files/upload/\n")
    for number, (_, path, _) in enumerate(SECTIONS):
        place = folder / "music" / path
        place.mkdir(parents=True, exist_ok=True)
        page, files = pages(number)
        (place / "index.html").write_bytes(page)
        for name, data in files.items():
            (place / name).write_bytes(data)
    for group in GROUP_PAGES:
        (folder / group[1:] / "index.html").write_text("<html><body><a href='genesis/'>Genesis</a></body></html>")
    (folder / "music" / "index.html").write_bytes(menu_page(menu))


def menu_page(menu: str) -> bytes:
    """Return a page with this menu."""
    return f"<html><head><title>VGMusic</title></head><body>{menu}</body></html>".encode()
