"""Command-line options shared by the commands that send requests."""

from typing import Annotated

import typer

BaseUrl = Annotated[
    str, typer.Option(envvar="VGPIANO_BASE_URL", help="Scheme and host of the site or of a replica of it.")
]
Private = Annotated[
    bool,
    typer.Option(
        "--allow-private-hosts",
        envvar="VGPIANO_ALLOW_PRIVATE_HOSTS",
        help="Let --base-url be this or a near machine.",
    ),
]
Delay = Annotated[float, typer.Option(help="Seconds between two requests, at least 0.5 but for private hosts.")]
Limit = Annotated[int | None, typer.Option(min=0, help="Ask for so many files at most.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read the listing page only, and say what would be done.")]
Contact = Annotated[
    str,
    typer.Option(envvar="VGPIANO_CONTACT", help="How the site's owners can reach you, said with every request."),
]
