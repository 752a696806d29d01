"""Which host and login the Databricks SDK takes from profiles and variables. Prints an answer for each case."""

import argparse
import json
import os
import re

import requests
from databricks.sdk.core import Config

# How long an address that nobody answers at may keep the discovery of a host busy.
PATIENCE_SECONDS = 1


def resolve(case):
    for name in [name for name in os.environ if re.match(r"DATABRICKS_|ARM_|HOME$|PATH$|CI_TOKEN$", name)]:
        del os.environ[name]
    os.environ.update(case["env"])
    try:
        config = Config(profile=case.get("profile"), retry_timeout_seconds=PATIENCE_SECONDS)
    except ValueError as error:
        return {"refused": str(error)}
    found = {"host": config.host, "auth": config.auth_type}
    if not case.get("asks"):
        return found
    me = requests.get(f"{config.host}/api/2.0/preview/scim/v2/Me", headers=config.authenticate(), timeout=10)
    return {**found, "user": me.json().get("userName", me.status_code)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", help="JSON: a list of {env, profile?, asks?}")
    print(json.dumps([resolve(case) for case in json.loads(parser.parse_args().cases)]))


main()
