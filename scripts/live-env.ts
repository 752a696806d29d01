// Prepares the Pythons of the live suite and prints their paths, so that the first test run need not wait for the download.
import { ensurePython, MLFLOW_VERSIONS } from "../test/live/servers.ts";

for (const path of await Promise.all(MLFLOW_VERSIONS.map((version) => ensurePython(version)))) process.stdout.write(`${path}\n`);
