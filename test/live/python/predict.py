"""Loads a model as any user of it would, and prints its prediction on a fixed input as JSON.

    predict.py --uri URL --model-uri models:/name/1
"""

import argparse
import json
import tempfile

from connection import prepare

ROWS = [[1.0, 2.0], [3.0, 4.0]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--model-uri", required=True, nargs="+")
    options = parser.parse_args()
    prepare(options.uri)
    import mlflow.pyfunc
    import numpy

    predictions = {}
    for uri in options.model_uri:
        # A folder of our own: of a version on a local path, the client would otherwise write a file into the store.
        with tempfile.TemporaryDirectory() as folder:
            found = mlflow.pyfunc.load_model(uri, dst_path=folder).predict(numpy.array(ROWS))
        # Rounded: the last bits are the solver's affair, not the registry's.
        predictions[uri] = [round(float(value), 6) for value in found]
    print(json.dumps(predictions))


if __name__ == "__main__":
    main()
