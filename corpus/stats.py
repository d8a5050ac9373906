"""What is in a corpus, counted."""

from __future__ import annotations

from corpus.store import Corpus

_QUERIES = {
    "Corpus": """SELECT 'fetches', count(*) FROM fetches UNION ALL SELECT 'documents', count(*) FROM documents
        UNION ALL SELECT 'articles (one for each cluster)', count(*) FROM articles
        UNION ALL SELECT 'rejections', count(*) FROM rejections UNION ALL SELECT 'sites', count(DISTINCT site) FROM fetches
        UNION ALL SELECT 'clusters', count(DISTINCT cluster_id) FROM documents
        UNION ALL SELECT 'characters', coalesce(sum(chars), 0) FROM articles""",
    "Duplicates": "SELECT duplicate_kind, count(*) FROM documents WHERE duplicate_of IS NOT NULL GROUP BY 1",
    "Rejections": "SELECT reason, count(*) FROM rejections GROUP BY 1",
    "Documents by site": "SELECT site, count(*) FROM documents GROUP BY 1",
    "Documents by script": "SELECT script, count(*) FROM documents GROUP BY 1",
    "Documents by encoding": "SELECT encoding, count(*) FROM documents GROUP BY 1",
    "Documents by topic": "SELECT value, count(*) FROM documents, json_each(topics) GROUP BY 1",
    "Documents by lender": "SELECT value, count(*) FROM documents, json_each(lenders) GROUP BY 1",
    "Repairs and damage": """SELECT rule || ' (' || certainty || ')', count(*) FROM findings
        WHERE stage = 'repair' GROUP BY 1""",
    "Stripped": "SELECT rule, count(*) FROM findings WHERE stage = 'strip' GROUP BY 1",
    "Normalized": "SELECT rule, count(*) FROM findings WHERE stage = 'normalize' GROUP BY 1",
}


def stats(corpus: Corpus) -> dict[str, dict[str, int]]:
    """Return counts by title and name, every one of them the result of one query over the tables."""
    return {
        title: {str(name): int(number) for name, number in corpus.db.execute(sql)}
        for title, sql in _QUERIES.items()
    }
