"""`python -m featherdepth` is the command `featherdepth`."""

from featherdepth.cli.main import main

if __name__ == "__main__":
    main()
