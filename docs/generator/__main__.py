"""Write the generated reference pages: `python -m docs.generator`."""

from docs.generator.pages import write_all

if __name__ == "__main__":
    for path in write_all():
        print(path)
