"""Readers: folders of photos and depth to `Sample`, valid pixels and metres settled at the door."""

from featherdepth.registry import Registry

READERS = Registry(
    "reader",
    {
        "manifest": "featherdepth.data.manifest:Manifest",
        "paired": "featherdepth.data.paired:Paired",
        "photos": "featherdepth.data.photos:Photos",
        "shards": "featherdepth.data.shards:Shards",
    },
)
"""Name -> reader class with a nested `Config`; `featherdepth.data.probe` picks one by the files."""
