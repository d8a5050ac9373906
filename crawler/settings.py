"""Scrapy's settings for this project: each says why it isn't Scrapy's default."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    _VERSION = version("yuqi")
except PackageNotFoundError:  # a checkout that was never installed
    _VERSION = "0"

BOT_NAME = "yuqi"
SPIDER_MODULES = ["crawler.spiders"]

# Who is asking. A site's owner can look the name up, tell it in robots.txt, and reach whoever runs the crawl.
ROBOTSTXT_USER_AGENT = "yuqi"
USER_AGENT = f"yuqi/{_VERSION} (research corpus of articles about overdue loans)"
# Added to the user agent as `+CONTACT` when given: `-s YUQI_CONTACT=...`, or `yuqi crawl --contact`.
YUQI_CONTACT = ""

# Scrapy's default is False; its middleware is replaced because it lets everything through when robots.txt answers 5xx
# (RFC 9309, 2.3.1.4 says: nothing), and knows neither Crawl-delay nor the sitemaps named there.
ROBOTSTXT_OBEY = True

# Politeness: a delay that follows each host's own latency, never less than its declaration or robots.txt asks.
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0  # the default of 5 s is taken anew for every host
AUTOTHROTTLE_MAX_DELAY = 60.0
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
DOWNLOAD_DELAY = 0.5  # the least between two requests to one host; the default is none
CONCURRENT_REQUESTS_PER_DOMAIN = 2  # the default is 8; these are small sites
CONCURRENT_REQUESTS = 32  # over all hosts; each host is bounded on its own

# Bounds on one response. Scrapy's defaults are 1 GiB and 180 s.
DOWNLOAD_MAXSIZE = (
    20_000_000  # what cleaning accepts (cleaning.decode.MAX_BODY_BYTES); the rest is cut off and marked
)
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 60.0
YUQI_CONNECT_TIMEOUT = 15.0  # a host that is gone should not hold a slot for a minute
DOWNLOAD_VERIFY_CERTIFICATES = True  # kept by the handler; Scrapy's default trusts anyone in between

# Only http and https, by the handler that archives what came and checks whom it came from. Scrapy would also open
# file:, ftp:, s3: and data: URLs, which a page could point to.
DOWNLOAD_HANDLERS = {
    "http": "crawler.handler.FetchHandler",
    "https": "crawler.handler.FetchHandler",
    "file": None,
    "ftp": None,
    "s3": None,
    "data": None,
}
# Addresses are checked after resolution; see crawler/resolver.py.
TWISTED_DNS_RESOLVER = "crawler.resolver.GuardedResolver"
DNS_TIMEOUT = 20
YUQI_ALLOW_PRIVATE = False
YUQI_HOSTS: dict[str, str] = {}

# The frontier in the corpus decides what is fetched next, and is what survives a kill; see crawler/session.py.
SCHEDULER = "crawler.scheduler.FrontierScheduler"
# URLs are told apart by their canonical form in the frontier, so requests need no second filter.
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
YUQI_DB = "corpus.db"
# Whether the end of the crawl makes documents of what was fetched; `yuqi crawl` does so itself, with all processors.
YUQI_DERIVE = True
# How many processes make documents beside the crawl; None: one a processor, 0: none before the crawl's end.
YUQI_CLEANERS: int | None = None
# A file to which every event of the crawl is appended as a line of JSON.
YUQI_LOG_JSON = ""
# A port of the loopback address that answers Prometheus; None: none, 0: any that is free.
YUQI_METRICS_PORT: int | None = None
# Seconds of the first back-off after a failure; doubled with each further one.
YUQI_RETRY_BASE = 5.0

# What isn't used is off: each layer costs CPU on every response, and some leak or open doors.
TELNETCONSOLE_ENABLED = False  # a console on a local port
REMOTE_CONTROL_ENABLED = False  # on by default: a local server that runs Python
COOKIES_ENABLED = False  # nothing here needs a session, and none is to be carried from site to site
REFERER_ENABLED = False  # no site learns where its link was found
HTTPPROXY_ENABLED = False  # through a proxy the peer's address can't be checked
METAREFRESH_ENABLED = False  # redirects of every kind are URLs of the frontier, judged by scope like any other
REDIRECT_ENABLED = False
RETRY_ENABLED = False  # the frontier retries, with back-off, over restarts
HTTPERROR_ALLOW_ALL = True  # error pages are archived too
COMPRESSION_ENABLED = False  # bodies stay as transferred for the archive; crawler/content.py decodes, with limits
DOWNLOADER_STATS = False
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.3",  # Scrapy asks for English
    "Accept-Encoding": "gzip, deflate",  # what any reader of the archive can undo
}
# None of Scrapy's own parts: they are off by their switches above or have no use here, and each would still be loaded
# with what it needs: a web server, an SSH library, a list of all domains.
# The usual headers and the user agent are added by the handler, for every request alike.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "crawler.middlewares.handover.HandOver": 50,
    "crawler.middlewares.robots.RobotsMiddleware": 100,
}
EXTENSIONS = {
    "crawler.watching.JsonLog": 0,
    "crawler.metrics.Metrics": 0,
    "crawler.throttle.SiteThrottle": 0,
    "crawler.progress.Progress": 0,
}
# The default of 100 costs a task per slot for every response: a third of the CPU of a page. The spider yields none.
CONCURRENT_ITEMS = 1
STATS_CLASS = "scrapy.statscollectors.DummyStatsCollector"

LOG_FORMATTER = "crawler.watching.QuietFormatter"  # no work for messages that nobody sees
LOG_LEVEL = "WARNING"  # stderr is for people; -s LOG_LEVEL=DEBUG shows every request
