// A server that hands out no signed URLs: everything goes through its proxy.
import type { SignedUrls } from "../../src/adapters/mlflow/signed-urls.ts";

export const noSignedUrls: SignedUrls = {
  upload: () => Promise.resolve(false),
  download: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
};
