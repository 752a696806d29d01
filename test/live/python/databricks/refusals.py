"""How the scripts here tell what a workspace refused to the SDK."""

from databricks.sdk.errors import DatabricksError


def refusal(work):
    try:
        work()
    except DatabricksError as error:
        return error.error_code
    return "not refused"
