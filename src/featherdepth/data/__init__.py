"""Readers: folders of photos and depth to `Sample`, valid pixels and metres settled at the door."""

from featherdepth.registry import Registry

READERS = Registry(
    "reader",
    {
        "da2k": "featherdepth.data.da2k:Da2k",
        "hypersim": "featherdepth.data.hypersim:Hypersim",
        "ibims": "featherdepth.data.ibims:Ibims",
        "kitti_velodyne": "featherdepth.data.kitti_velodyne:KittiVelodyne",
        "layout": "featherdepth.data.layout_reader:LayoutReader",
        "manifest": "featherdepth.data.manifest:Manifest",
        "nyu_arrays": "featherdepth.data.nyu_arrays:NyuArrays",
        "nyu_hdf5": "featherdepth.data.nyu_hdf5:NyuHdf5",
        "nyu_labelled": "featherdepth.data.nyu_labelled:NyuLabelled",
        "nyu_leres": "featherdepth.data.nyu_leres:NyuLeres",
        "paired": "featherdepth.data.paired:Paired",
        "parquet": "featherdepth.data.parquet:Parquet",
        "photos": "featherdepth.data.photos:Photos",
        "pseudo_labels": "featherdepth.data.pseudo_labels:PseudoLabels",
        "shards": "featherdepth.data.shards:Shards",
        "sunrgbd": "featherdepth.data.sunrgbd:SunRgbd",
    },
)
"""Name -> reader class with a nested `Config`; `featherdepth.data.probe` picks one by the files."""
