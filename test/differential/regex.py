"""Answers what Python's re does with each case: one JSON list in, one JSON list out."""
import json
import re
import sys
import warnings

warnings.simplefilter("ignore")


def groups(match):
    return [match.start(), [match.group(0), *match.groups()]]


def answer(case):
    try:
        expression = re.compile(case["pattern"])
    except (re.error, OverflowError, RecursionError) as error:
        return {"error": str(error)}
    text = case["text"]
    result = {
        "match": expression.match(text) is not None,
        "found": [groups(match) for match in expression.finditer(text)],
    }
    try:
        result["replaced"] = expression.sub(case["replacement"], text)
    except (re.error, IndexError) as error:
        result["replaced"] = None
    return result


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
