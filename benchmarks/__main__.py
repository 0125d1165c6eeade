"""`make bench`: every benchmark in turn."""

from benchmarks import demo

if __name__ == "__main__":
    demo.main()
