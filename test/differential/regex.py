"""Answers what Python's re does with each case: one JSON list in, one JSON list out."""
import json
import re
import resource
import sys
import warnings

warnings.simplefilter("ignore")

# Before 3.11.5 possessive quantifiers matched what they should not, and `(?<=a)?+` took all the memory there is.
has_broken_possessive = sys.version_info < (3, 11, 5)
possessive = re.compile(r"[*+?}]\+")
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))


def groups(match):
    return [match.start(), [match.group(0), *match.groups()]]


def answer(case):
    if has_broken_possessive and possessive.search(case["pattern"]):
        return {"unanswered": True}
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
