"""Loads a model as any user of it would, and prints its prediction on a fixed input as JSON.

    predict.py --uri URL --model-uri models:/name/1
"""

import argparse
import json

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

    # Rounded: the last bits are the solver's affair, not the registry's.
    predictions = {
        uri: [round(float(value), 6) for value in mlflow.pyfunc.load_model(uri).predict(numpy.array(ROWS))] for uri in options.model_uri
    }
    print(json.dumps(predictions))


if __name__ == "__main__":
    main()
