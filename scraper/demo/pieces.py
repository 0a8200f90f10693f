"""The pieces of music21's corpus on the demo site, and the game of each.

Selection: the composers died at least a hundred years ago, the encoding is part of music21 and has no restrictive
licence, and music21 exports it within seconds. Excluded for their licence are typesettings under CC BY-SA, editions of
Ut Orpheus, and the contributed ABC books of Ryan and Aird. The repository contains none of the files; each machine
exports its own copy.
"""

from dataclasses import dataclass

OCARINA = "Legend Of Zelda, The: Ocarina Of Time"
MAJORA = "Legend Of Zelda, The: Majora's Mask"
WIND_WAKER = "Legend Of Zelda, The: The Wind Waker"
TWILIGHT = "Legend Of Zelda, The: Twilight Princess"
PAST = "Legend Of Zelda, The: A Link To the Past"


@dataclass(frozen=True, slots=True)
class StandIn:
    """One piece of the demo site: listed game, path in music21's corpus, description."""

    game: str
    work: str
    what: str

    @property
    def title(self) -> str:
        """The title on the listing page."""
        return f"Stand-in: {self.what}"

    @property
    def file(self) -> str:
        """The file name on the site."""
        return self.work.replace("/", "_").replace(".", "_") + ".mid"


# Catalogue numbers of four-part chorales of 240 to 420 notes, no two settings of one movement among them.
_CHORALES = {
    OCARINA: "103.6 111.6 115.6 123.6 140.7 153.1 156.6 16.6 176.6 179.6 187.7 20.11 227.7 244.17",
    MAJORA: "244.54 245.37 257 262 270 278 283 292 301",
    WIND_WAKER: "305 311 316 33.6 338 346 352 356 360",
    TWILIGHT: "37.6 38.6 388 397 40.6 407 415",
    PAST: "423 43.11 436 60.5 7.7 77.6 85.6 9.7",
}
_OTHERS = (
    (OCARINA, "mozart/k545/movement1_exposition", "Mozart, Piano Sonata K. 545, I, exposition"),
    (OCARINA, "cpebach/h186", "C. P. E. Bach, Keyboard Piece H. 186"),
    (OCARINA, "schumann_robert/opus48no2", "Schumann, Dichterliebe, Op. 48 No. 2"),
    (MAJORA, "schubert/Lindenbaum", "Schubert, Der Lindenbaum, D. 911 No. 5"),
    (WIND_WAKER, "handel/rinaldo/Lascia_chio_pianga", "Handel, Rinaldo, Lascia ch'io pianga"),
    (TWILIGHT, "verdi/laDonnaEMobile", "Verdi, Rigoletto, La donna è mobile"),
    ("Super Mario World", "joplin/maple_leaf_rag", "Joplin, Maple Leaf Rag"),
    ("Final Fantasy 7", "mozart/k155/movement1", "Mozart, String Quartet K. 155, I"),
    ("Final Fantasy 7", "mozart/k155/movement2", "Mozart, String Quartet K. 155, II"),
    ("Final Fantasy 7", "mozart/k155/movement3", "Mozart, String Quartet K. 155, III"),
    ("Final Fantasy 7", "mozart/k156/movement2", "Mozart, String Quartet K. 156, II"),
    ("Final Fantasy 7", "mozart/k156/movement3", "Mozart, String Quartet K. 156, III"),
    ("Final Fantasy 7", "mozart/k156/movement4", "Mozart, String Quartet K. 156, IV"),
    ("Chrono Trigger", "haydn/opus1no1/movement1", "Haydn, String Quartet Op. 1 No. 1, I"),
    ("Chrono Trigger", "haydn/opus1no1/movement2", "Haydn, String Quartet Op. 1 No. 1, II"),
    ("Chrono Trigger", "haydn/opus1no1/movement3", "Haydn, String Quartet Op. 1 No. 1, III"),
    ("Chrono Trigger", "haydn/opus1no1/movement4", "Haydn, String Quartet Op. 1 No. 1, IV"),
    ("Chrono Trigger", "haydn/opus1no1/movement5", "Haydn, String Quartet Op. 1 No. 1, V"),
    ("Mega Man 2", "mozart/k80/movement3", "Mozart, String Quartet K. 80, III"),
    ("Mega Man 2", "mozart/k80/movement4", "Mozart, String Quartet K. 80, IV"),
    ("Pokémon (Red, Blue, Yellow)", "mozart/k458/movement3", "Mozart, String Quartet K. 458, III"),
    ("Donkey Kong Country", "schumann_robert/opus41no1/movement3", "Schumann, String Quartet Op. 41 No. 1, III"),
    ("Donkey Kong Country", "schumann_robert/opus41no1/movement4", "Schumann, String Quartet Op. 41 No. 1, IV"),
    ("Sonic the Hedgehog", "beethoven/opus18no1/movement2.mxl", "Beethoven, String Quartet Op. 18 No. 1, II"),
    ("Kirby's Dream Land", "liliuokalani/aloha_oe", "Liliʻuokalani, Aloha ʻOe"),
)

STAND_INS: tuple[StandIn, ...] = (
    *(
        StandIn(game, f"bach/bwv{number}", f"Bach, Chorale BWV {number}")
        for game, numbers in _CHORALES.items()
        for number in numbers.split()
    ),
    *(StandIn(*other) for other in _OTHERS),
)
