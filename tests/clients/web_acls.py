"""Pieces of AWS WAFv2's rules, for the programs that make some."""

SCOPE = {"Scope": "REGIONAL"}
NONE = [{"Priority": 0, "Type": "NONE"}]


def visibility(name):
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def rule(name, priority, statement, action="Block"):
    return {
        "Name": name,
        "Priority": priority,
        "Statement": statement,
        "Action": {action: {}},
        "VisibilityConfig": visibility(name),
    }


def header_is(name, value):
    return {
        "ByteMatchStatement": {
            "FieldToMatch": {"SingleHeader": {"Name": name}},
            "SearchString": value.encode(),
            "PositionalConstraint": "EXACTLY",
            "TextTransformations": NONE,
        }
    }
