"""The page that computes depth in a browser, its local server, and the folder for other servers.

engine.toml, vendor/     onnxruntime-web: which files, and the files (fetched by `make app`)
page/                    the page itself: HTML, CSS and small modules, no build step
site.py                  page, engine and a model as one set of files
server.py, static.py     two ways to give them out: on 127.0.0.1, and as a folder
"""
