// Prepares the Python of the live suite and prints its path, so that the first test run need not wait for the download.
import { ensurePython } from "../test/live/servers.ts";

process.stdout.write(`${await ensurePython()}\n`);
