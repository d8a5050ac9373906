def sources(html: str, most: int) -> list[str] | None:
    """Return the sources of a page's anchors, links, bases, metas, areas and iframes, in their order.

    An anchor's source is all of it, an iframe's is without its content. None for a page whose tree may hold them otherwise,
    or more than `most` of them.
    """
