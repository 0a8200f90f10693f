"""All limits of the scraper: sizes, timeouts, delays and retries.

Sizes are in bytes, times in seconds. The real VGMusic stays far below each limit.
"""

# One response.
PAGE_BYTES = 4 << 20  # a decompressed listing page; the real piano page has 227,506
FILE_BYTES = 4 << 20  # a MIDI file; the largest real one in the piano section has 57,406
FILE_TIMES_LISTED = 4  # a file may have at most this many times its listed size ...
FILE_BYTES_ALWAYS = (
    64 << 10
)  # ... but at least this limit applies, so that files with a wrong listed size are quarantined
ROBOTS_BYTES = 512 << 10  # RFC 9309 asks for at least 500 KiB
ROBOTS_RULES = 5000  # for one user agent
ERROR_BYTES = 64 << 10  # of the body of an error response, to recognise challenge pages
CHUNK_BYTES = 64 << 10
INTERIM_RESPONSES = 20  # responses with status 1xx before the final one

# One listing page.
SECTIONS = 500  # in the menu of the site, which had 58 in 2021
SECTION_CHARACTERS = 100  # in a section's name, which is used in file names
SECTION_PAGES = 5000  # listing pages of one section
UPLOAD_PAGES = 1000  # pages of new uploads read in one run, about 100 rows each
LISTING_BYTES = 16 << 20  # of a parsed page; the 31,629 rows of the whole site have 8 MB
LISTING_ROWS = 50_000
PART_CHARACTERS = (
    8 << 10
)  # of a page parsed at a time: the tree needs 50 times the memory of its text, and quadratic time if deep
TITLE_CHARACTERS = 500  # longer titles are truncated
LISTED_BYTES = 1 << 30  # larger listed sizes are treated as errors of the page
NAME_BYTES = 255  # in a file name; the longest real one has 72

# One local archive. The largest known one has 31,629 files.
ARCHIVE_DIRECTORY_BYTES = 16 << 20  # the directory of a zip file; 31,000 names of 100 bytes need 4.5 MB
ARCHIVE_FILES = 200_000  # in one zip file
ARCHIVE_RATIO = 100  # a larger ratio of unpacked to packed size means a zip bomb; MIDI files reach 30 ...
ARCHIVE_RATIO_BYTES = 64 << 10  # ... but up to this size any ratio is allowed
ARCHIVE_TIMES = 50  # all members together may unpack to this many times the size of the zip file, plus FILE_BYTES
FOLDER_DEPTH = 64  # nested folders
ARCHIVE_NAME = 1000  # characters in the name of a member, with its folders

# Timeouts.
CONNECT_S = 10.0
READ_S = 20.0  # between two reads of a response
WHOLE_S = 60.0  # one response, from connecting to the last byte
DEADLINE_CHECK_S = 0.2  # interval of the check for WHOLE_S

# Delays and retries.
DELAY_S = 1.0  # between the starts of two requests
DELAY_FLOOR_S = 0.5  # minimum delay for public hosts
DELAY_JITTER = 0.2  # each delay is increased by up to this share
DELAY_CEILING_S = 60.0  # the delay doubles after each 429 or 503, up to this
TRIES = 4
BACKOFF_S = 1.0  # full jitter: wait a random time up to this times 2 ** (n - 1) before retry n ...
BACKOFF_CEILING_S = 60.0  # ... and at most this
RETRY_AFTER_CEILING_S = 600.0  # for a longer Retry-After the run stops
REDIRECTS = 5
FAILURES_IN_A_ROW = 5  # the run stops: the site or the connection has a problem
ROBOTS_FRESH_S = 24 * 3600.0  # how long robots.txt is cached (RFC 9309)
CRAWL_DELAY_CEILING_S = 60.0  # a larger Crawl-delay stops the run
