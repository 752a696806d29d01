// Uploads to S3 in parts: databricks_artifacts.proto (CreateMultipartUpload, GetPresignedUploadPartUrl, CompleteMultipartUpload).
import { fields, invalid, list, required } from "./answer.ts";
import type { Call, Json, Reply } from "./answer.ts";
import { filesOfRun } from "./file-places.ts";
import { signedUrl } from "./files.ts";
import type { Routes } from "./routes.ts";
import type { State } from "./state.ts";

const API = String.raw`\/api\/2\.0\/mlflow\/artifacts`;

export const multipartRoutes: Routes = [
  [new RegExp(`^POST ${API}\\/create-multipart-upload$`), create],
  [new RegExp(`^GET ${API}\\/get-presigned-upload-part-url$`), partUrl],
  [new RegExp(`^POST ${API}\\/complete-multipart-upload$`), complete],
];

/** Where the parts of an upload lie until they are put together. */
const partOf = (upload: string, number: number): string => `/.multipart/${upload}/${String(number)}`;

function create(state: State, call: Call): Json {
  state.run(required(call.body, "run_id"));
  if (state.rules.signedUrls !== "AWS_PRESIGNED_URL") throw invalid("Multipart uploads are for AWS only.");
  const upload = state.hex();
  const parts = Number(required(call.body, "num_parts"));
  const urls = Array.from({ length: parts }, (_, index) => {
    const options = { method: "PUT", path: partOf(upload, index + 1), uses: state.rules.partUrlUses } as const;
    return credential(call, signedUrl(state, call, options));
  });
  const abort = credential(call, signedUrl(state, call, { method: "DELETE", path: `/.multipart/${upload}`, uses: 1 }));
  return { upload_id: upload, upload_credential_infos: urls, abort_credential_info: abort };
}

function credential({ body }: Call, url: string): Json {
  return { run_id: body["run_id"], path: body["path"], signed_uri: url, type: "AWS_PRESIGNED_URL", headers: [] };
}

function partUrl(state: State, call: Call): Json {
  const from = fields(call);
  const path = partOf(required(from, "upload_id"), Number(required(from, "part_number")));
  return { upload_credential_info: credential(call, signedUrl(state, call, { method: "PUT", path })) };
}

/** The tags must be those that the store gave for the parts. */
function complete(state: State, call: Call): Json | Reply {
  const upload = required(call.body, "upload_id");
  const parts = list(call.body["part_etags"]).map(({ part_number: number, etag }) => {
    const bytes = state.files.get(partOf(upload, Number(number)));
    if (bytes === undefined || etag !== `"${String(bytes.length)}"`)
      throw invalid(`Part ${String(number)} was not uploaded with this tag.`);
    return bytes;
  });
  const path = `${filesOfRun(state.run(required(call.body, "run_id")))}/${required(call.body, "path")}`;
  state.files.set(path, Buffer.concat(parts));
  return {};
}
