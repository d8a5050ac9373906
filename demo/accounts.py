"""Statistics accounts in a page's source: the operator's own, and one that a share widget brings to every site."""

from __future__ import annotations

from collections.abc import Sequence

WIDGET = "cnzz:900000001"
"""The account of a share button that all six sites have put in: nobody's evidence."""

_SNIPPETS = {
    "baidu": '<script>var _hmt = _hmt || []; (function() {{ var hm = document.createElement("script"); '
    'hm.src = "https://hm.baidu.com/hm.js?{}"; document.head.appendChild(hm); }})();</script>\n',
    "cnzz": '<script src="https://s9.cnzz.com/z_stat.php?id={0}&web_id={0}"></script>\n',
}


def snippets(accounts: Sequence[str]) -> str:
    """Return the markup that puts `service:id` accounts on a page."""
    pairs = (account.split(":", 1) for account in accounts)
    return "".join(_SNIPPETS[service].format(identifier) for service, identifier in pairs)


def with_accounts(page: str, accounts: Sequence[str]) -> str:
    """Return a page with the accounts' snippets at the end of its head."""
    return page.replace("</head>", f"{snippets(accounts)}</head>", 1)
