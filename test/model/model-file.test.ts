import { expect, test } from "vitest";
import { parseModelFile, usesDefaultChannel } from "../../src/model/model-file.ts";

const BOTH = `signature:\n  inputs: '[{"type": "double"}]'\n  outputs: '[{"type": "long"}]'\n  params: null\n`;

test.each([
  [BOTH, { hasInputs: true, hasOutputs: true, usesFeatureStore: false }],
  ["flavors: {}", { hasInputs: false, hasOutputs: false, usesFeatureStore: false }],
  ["signature:\n  inputs: '[]'\n  outputs: null", { hasInputs: false, hasOutputs: false, usesFeatureStore: false }],
  ["signature:\n  inputs: '[1]'", { hasInputs: true, hasOutputs: false, usesFeatureStore: false }],
  [
    "flavors:\n  python_function:\n    loader_module: databricks.feature_store.mlflow_model",
    { hasInputs: false, hasOutputs: false, usesFeatureStore: true },
  ],
  [
    "flavors:\n  python_function:\n    loader_module: databricks_features",
    { hasInputs: false, hasOutputs: false, usesFeatureStore: false },
  ],
])("an MLmodel tells its signature and its loader: %j", (text, expected) => {
  expect(parseModelFile(text)).toEqual(expected);
});

test.each(["", "just a text", "[1, 2]", "a: [", "flavors: 3", "a: &a [*a, *a]\nb: *x"])("%j is no MLmodel", (text) => {
  expect(parseModelFile(text)).toBeUndefined();
});

test.each([
  ["channels: [defaults]", true],
  ["channels:\n- defaults\n- conda-forge", true],
  ["channels: []", true],
  ["dependencies: [python=3.8]", true],
  ["channels: [https://repo.anaconda.com/pkgs/main]", true],
  ["channels: [conda-forge]", false],
  ["channels: [nodefaults, conda-forge]", false],
  ["channels: [nodefaults]", false],
  ["channels: 3", undefined],
  ["]", undefined],
])("whether %j takes packages from the default channel: %s", (text, expected) => {
  expect(usesDefaultChannel(text)).toBe(expected);
});
