// A certificate for 127.0.0.1 from an authority that nobody knows, made with openssl.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificates {
  /** For the server (PEM). */
  readonly key: string;
  readonly cert: string;
  /** The file with the authority's certificate. */
  readonly caFile: string;
}

/** Writes into `dir`. */
export async function makeCertificates(dir: string): Promise<Certificates> {
  const file = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): Promise<unknown> => promisify(execFile)("openssl", args, { cwd: dir });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority of the test", "-days", "2");
  await openssl(
    ...["req", "-x509", ...key, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=127.0.0.1", "-days", "2"],
    ...["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"],
  );
  return { key: await readFile(file("server.key"), "utf8"), cert: await readFile(file("server.pem"), "utf8"), caFile: file("ca.pem") };
}
