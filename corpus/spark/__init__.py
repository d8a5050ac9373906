"""The same functions on Spark: a thin shell over `corpus.derive`, `corpus.versions`, deduplication and farms.

    reading.py     WARC files or Parquet of fetches -> rows of fetches, numbered as `yuqi ingest` numbers them
    derive.py      rows of fetches -> documents, findings, contacts, rejections (`corpus.derive`)
    timelines.py   which of a URL's captures is the document (`corpus.versions`)
    dedup.py       documents -> keys, buckets, verified pairs, clusters (`corpus.fingerprint`, `verify`, `clusters`)
    farms.py       documents and contacts -> farms (`corpus.farms`)
    snapshot.py    the Parquet folders of a result, and how they are compared
    collect.py     a result -> a SQLite corpus
    components.py  what hangs together by pairs, on the driver or by joins
    alone.py       a page that ends its worker is a rejection
    golden.py      every executor must derive what the driver derives
    daemon.py      what the workers are forked from, with everything loaded
    session.py     the Spark session's settings

No rule of the rooms stands here. What one row is a function of is computed by a room's own function on Arrow batches;
what hangs together (a URL's captures, a component of pairs) is brought together by its key and given to the room's own
SQLite code in memory. So the result depends neither on partitions nor on order, and is the embedded one row for row.
"""
