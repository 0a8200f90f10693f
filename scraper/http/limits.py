"""All limits of the scraper: sizes, timeouts, delays and retries.

Sizes are in bytes, times in seconds. The real VGMusic stays far below each limit.
"""

# What one answer may hold.
PAGE_BYTES = 4 << 20  # a listing page as it comes off the wire, decompressed; the real piano page has 227,506
FILE_BYTES = 4 << 20  # a MIDI file; the largest real one in the piano section has 57,406
FILE_TIMES_LISTED = 4  # and no more than this many times the size that its row lists ...
FILE_BYTES_ALWAYS = 64 << 10  # ... though this much is always taken, so that a wrong size can be shown with its bytes
ROBOTS_BYTES = 512 << 10  # RFC 9309 asks for at least 500 KiB
ROBOTS_RULES = 5000  # for one robot
ERROR_BYTES = 64 << 10  # of the body of an answer that is no success, to tell a challenge page from an error
CHUNK_BYTES = 64 << 10
INTERIM_RESPONSES = 20  # heads of status 1xx before the answer itself

# What one listing page may hold.
SECTIONS = 500  # in the menu of the site; it had 58 in 2021
SECTION_CHARACTERS = 100  # of a section's name, which is part of file names
SECTION_PAGES = 5000  # of folders within one section
UPLOAD_PAGES = 1000  # of new uploads read in one run, about 100 rows each
LISTING_BYTES = 16 << 20  # of a page parsed from anywhere; the whole site's 31,629 rows are 8 MB
LISTING_ROWS = 50_000
PART_CHARACTERS = (
    8 << 10
)  # of a page parsed at a time: a tree takes fifty times its text, and quadratic time if it is deep
TITLE_CHARACTERS = 500  # longer titles are cut
LISTED_BYTES = 1 << 30  # a listed size above this is a slip of the page, not a size
NAME_BYTES = 255  # of a file name; the longest real one has 72

# What an archive that people already have may hold. The largest known one has 31,629 files.
ARCHIVE_DIRECTORY_BYTES = 16 << 20  # the table of contents of a zip file; 31,000 names of 100 bytes are 4.5 MB
ARCHIVE_FILES = 200_000  # in one zip file
ARCHIVE_RATIO = 100  # a member that unpacks to more than this many times its packed size is a bomb; MIDI reaches 30 ...
ARCHIVE_RATIO_BYTES = 64 << 10  # ... but below this size it may
ARCHIVE_TIMES = 50  # and all members together may unpack to this many times the size of the zip file, and FILE_BYTES
FOLDER_DEPTH = 64  # folders within folders
ARCHIVE_NAME = 1000  # characters of the name of a member, with its folders

# How long.
CONNECT_S = 10.0
READ_S = 20.0  # between two pieces of an answer
WHOLE_S = 60.0  # one answer from connection to last byte, by our own clock
DEADLINE_CHECK_S = 0.2  # how often that clock looks

# How often.
DELAY_S = 1.0  # between the starts of two requests
DELAY_FLOOR_S = 0.5  # no smaller delay against a public host
DELAY_JITTER = 0.2  # each delay is stretched by up to this share
DELAY_CEILING_S = 60.0  # the delay doubles after each 429 and 503, up to this
TRIES = 4
BACKOFF_S = 1.0  # full jitter: before try n wait between nothing and this times 2 ** (n - 1) ...
BACKOFF_CEILING_S = 60.0  # ... or this
RETRY_AFTER_CEILING_S = 600.0  # asked to wait longer than this, the run stops and says when to come back
REDIRECTS = 5
FAILURES_IN_A_ROW = 5  # then the run stops: the site or the line is in trouble
ROBOTS_FRESH_S = 24 * 3600.0  # how long robots.txt may be used without asking again (RFC 9309)
CRAWL_DELAY_CEILING_S = 60.0  # a larger Crawl-delay means: not by a program
