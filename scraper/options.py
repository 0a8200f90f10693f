"""Command-line options shared by the commands that send requests."""

from typing import Annotated

import typer

BaseUrl = Annotated[str, typer.Option(envvar="VGPIANO_BASE_URL", help="Scheme and host of the site or a replica.")]
Private = Annotated[
    bool,
    typer.Option(
        "--allow-private-hosts",
        envvar="VGPIANO_ALLOW_PRIVATE_HOSTS",
        help="Allow --base-url on this machine or the local network.",
    ),
]
Delay = Annotated[float, typer.Option(help="Seconds between two requests; at least 0.5 for public hosts.")]
Limit = Annotated[int | None, typer.Option(min=0, help="Request at most this many files.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read only the listing page and print what would be done.")]
Contact = Annotated[
    str,
    typer.Option(envvar="VGPIANO_CONTACT", help="Contact for the site's owners, sent with every request."),
]
