"""Says of each FILE (TOML, or JSON if its name ends with .json) whether SCHEMA (JSON) accepts it, by Debian's python3-jsonschema.

    /usr/bin/python3 tests/schema/validate.py SCHEMA FILE...

Prints one line of JSON for each file: {"file", "verdict", "why"}. The verdict is `accepts`, `rejects`, `no-toml`
(this reader knows TOML 1.0) or `no-json`. The exit status is not 0 where it can't judge: the schema is none, a file is absent.
"""

import json
import sys
import tomllib

from jsonschema import Draft202012Validator


def judge(validator, path):
    """The verdict on one file, and the first reason in the order of the file's places."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read()
    try:
        document = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except json.JSONDecodeError as error:
        return "no-json", str(error)
    except tomllib.TOMLDecodeError as error:
        return "no-toml", str(error)
    errors = sorted(validator.iter_errors(document), key=lambda error: [str(step) for step in error.absolute_path])
    if not errors:
        return "accepts", ""
    place = ".".join(str(step) for step in errors[0].absolute_path) or "the file"
    return "rejects", f"{place}: {errors[0].message}"


def main(schema_path, *paths):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for path in paths:
        verdict, why = judge(validator, path)
        print(json.dumps({"file": path, "verdict": verdict, "why": why}))


if __name__ == "__main__":
    main(*sys.argv[1:])
