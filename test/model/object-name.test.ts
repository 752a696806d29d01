// How people name one object, and what stands near a name that does not exist.
import { describe, expect, it } from "vitest";
import { keyOf, versionKey } from "../../src/model/keys.ts";
import { nearNames } from "../../src/model/near-names.ts";
import { parseObjectName, uriOf } from "../../src/model/object-name.ts";

const HEX = "0123456789abcdef".repeat(2);
const NEW = "f".repeat(32);

describe("the name of an object", () => {
  it.each([
    [HEX, `run:${HEX}`, `run:${NEW}`, NEW],
    [`run:${HEX}`, `run:${HEX}`, `run:${NEW}`, `run:${NEW}`],
    [`runs:/${HEX}`, `run:${HEX}`, `run:${NEW}`, `runs:/${NEW}`],
    [`runs:/${HEX}/model/a b#c`, `run:${HEX}`, `run:${NEW}`, `runs:/${NEW}/model/a b#c`],
    [`m-${HEX}`, `logged-model:m-${HEX}`, `logged-model:m-${NEW}`, `m-${NEW}`],
    [`models:/m-${HEX}/weights`, `logged-model:m-${HEX}`, `logged-model:m-${NEW}`, `models:/m-${NEW}/weights`],
    [`logged-model:m-${HEX}`, `logged-model:m-${HEX}`, `logged-model:m-${NEW}`, `logged-model:m-${NEW}`],
    ["models:/churn", "registered-model:churn", "registered-model:a.b.c", "models:/a.b.c"],
    ["models:/churn/3", "model-version:churn/3", "model-version:a.b.c/1", "models:/a.b.c/1"],
    ["models:/3", "registered-model:3", "registered-model:4", "models:/4"],
    ["models:/fra*", "registered-model:fra*", "registered-model:x", "models:/x"],
    ["models:/two\nlines", "registered-model:two\nlines", "registered-model:x", "models:/x"],
    ["model-version:churn/3", "model-version:churn/3", "model-version:x/1", "model-version:x/1"],
    ["registered-model:a:b", "registered-model:a:b", "registered-model:x", "registered-model:x"],
    ["alias:churn/best", "alias:churn/best", "alias:x/good", "alias:x/good"],
    ["models:/churn@best", "alias:churn/best", "alias:x/good", "models:/x@good"],
  ])("%j names %s and another in the same form", (text, key, other, written) => {
    const name = parseObjectName(text);
    if (name?.by !== "key" && name?.by !== "alias") throw new Error("no key");
    expect(name.key).toBe(key);
    expect(name.write(other as typeof name.key)).toBe(written);
  });

  it("may be that of an experiment, by id or name, or of a stage", () => {
    expect(parseObjectName("12")).toMatchObject({ by: "experiment", text: "12" });
    expect(parseObjectName("experiment:/Users/ada/x 1")).toMatchObject({ by: "experiment", text: "/Users/ada/x 1" });
    expect(parseObjectName("models:/churn/Production")).toEqual({
      by: "stage",
      model: keyOf("registered-model", "churn"),
      stage: "Production",
    });
    expect(parseObjectName("models:/churn/latest")).toMatchObject({ by: "stage", stage: "latest" });
  });

  it.each([
    "",
    "junk",
    "models:",
    "models:/",
    "runs:/",
    "run:",
    "run:/x",
    "model-version:churn",
    "model-version:churn/x",
    "alias:churn",
    "m-12",
    HEX.slice(1),
    HEX.toUpperCase(),
  ])("%j is none", (text) => expect(parseObjectName(text)).toBeUndefined());

  it("has a URI where MLflow's client knows one", () => {
    expect(uriOf(versionKey("churn", 3))).toBe("models:/churn/3");
    expect(uriOf(keyOf("experiment", "1"))).toBeUndefined();
  });
});

describe("near names", () => {
  it.each([
    ["chrun", ["churn", "fraud"], ["churn"]],
    ["Churn", ["churn", "churn-2"], ["churn", "churn-2"]],
    ["fra*", ["churn", "fraud", "fraud-eu"], ["fraud", "fraud-eu"]],
    ["[", ["churn"], []],
  ])("of %j among %j are %j", (wanted, names, near) => expect(nearNames(wanted, names)).toEqual(near));

  it("of long names are found by their beginnings", () => {
    expect(nearNames(`${"x".repeat(5000)}a`, ["y".repeat(5000), `${"x".repeat(5000)}b`])).toEqual([`${"x".repeat(5000)}b`]);
  });
});
