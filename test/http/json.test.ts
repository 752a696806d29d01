import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, stringifyJson } from "../../src/http/json.ts";

/** JSON values whose strings are rich in what the scanner must not touch. */
const trickyString = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom('"', "\\", "NaN", "Infinity", "-Infinity", "12345678901234567890", ":", ",", "{", "]", " ", "\n", "é"))
    .map((parts) => parts.join("")),
);
const safeNumber = fc.oneof(
  fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    safeNumber,
    trickyString,
    fc.array(tie("node"), { maxLength: 5 }),
    fc.dictionary(trickyString, tie("node"), { maxKeys: 5 }),
  ),
})).node;

/** The double's own shortest text may be a long bare integer, which parseJson gives as a string. */
function withLongIntegersAsStrings(input: unknown): unknown {
  if (typeof input === "number") return /^-?\d{16,}$/.test(JSON.stringify(input)) ? JSON.stringify(input) : input;
  if (Array.isArray(input)) return input.map(withLongIntegersAsStrings);
  if (typeof input !== "object" || input === null) return input;
  return Object.fromEntries(Object.entries(input).map(([key, member]) => [key, withLongIntegersAsStrings(member)]));
}

describe("parseJson", () => {
  const check = (text: string, expected: unknown): void => expect(parseJson(text)).toEqual(expected);

  it("gives integers of more than 15 digits as decimal strings", () => {
    check("9223372036854775807", "9223372036854775807");
    check("-9223372036854775808", "-9223372036854775808");
    check('{"step":9007199254740993,"n":[1234567890123456, 123456789012345]}', {
      step: "9007199254740993",
      n: ["1234567890123456", 123456789012345],
    });
  });

  it("keeps numbers with a fraction or an exponent numbers, however long", () => {
    check("[0.12345678901234567, 1234567890123456789.5, 1234567890123456789e0, 1E+400]", [
      0.12345678901234566,
      1234567890123456800,
      1234567890123456800,
      Infinity,
    ]);
    check("[-0.00000000000000000012345678901234567]", [-1.2345678901234567e-19]);
  });

  it("gives bare NaN and infinities as strings", () => {
    check('{"a":NaN,"b":[Infinity,-Infinity, NaN ]}', { a: "NaN", b: ["Infinity", "-Infinity", "NaN"] });
    check("NaN", "NaN");
  });

  it("leaves strings alone, with escaped quotes and backslashes before their end", () => {
    check(String.raw`["NaN, 12345678901234567890", "\\", NaN, "\"NaN", "\\\"1234567890123456", "\\\\", 1234567890123456]`, [
      "NaN, 12345678901234567890",
      "\\",
      "NaN",
      '"NaN',
      '\\"1234567890123456',
      "\\\\",
      "1234567890123456",
    ]);
    check('{"NaN":1,"1234567890123456":NaN}', { NaN: 1, "1234567890123456": "NaN" });
  });

  it.each([
    "00000000000000001",
    "1234567890123456NaN",
    "NaNs",
    "-NaN",
    "+Infinity",
    "[NaN",
    '"NaN',
    "--1234567890123456",
    '{"a":NaN',
    "1234567890123456 1",
    "",
    "[1234567890123456-1]",
  ])("refuses what is not JSON: %s", (text) => expect(() => parseJson(text)).toThrow(SyntaxError));

  it("reads every JSON text as JSON.parse does, but for long integers", () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (input, indent) => {
        // The NaN makes sure that the scanner runs.
        const parsed = parseJson(`[NaN,${JSON.stringify(input, null, indent)}]`);
        expect(parsed).toEqual(["NaN", withLongIntegersAsStrings(JSON.parse(JSON.stringify(input)))]);
        expect(parseJson(JSON.stringify(input))).toEqual(withLongIntegersAsStrings(JSON.parse(JSON.stringify(input))));
      }),
    );
  });

  it("takes time in proportion to the text, with strings full of backslashes and quotes", () => {
    const text = `[NaN,"${'\\"'.repeat(500_000)}","${"\\\\".repeat(500_000)}",${"1".repeat(200_000)}]`;
    const parsed = parseJson(text) as string[];
    expect(parsed.map((member) => member.length)).toEqual([3, 500_000, 500_000, 200_000]);
  });
});

describe("stringifyJson", () => {
  it("writes bigints bare and non-finite numbers as strings", () => {
    expect(
      stringifyJson({ step: 9223372036854775807n, low: [-9223372036854775808n], v: [NaN, Infinity, -Infinity, 1.5], no: undefined }),
    ).toBe('{"step":9223372036854775807,"low":[-9223372036854775808],"v":["NaN","Infinity","-Infinity",1.5]}');
    expect(stringifyJson(-5n)).toBe("-5");
    expect(stringifyJson(undefined)).toBe("null");
  });

  it("gives every 64-bit integer back through parseJson", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
        expect(BigInt(parseJson(stringifyJson({ a: [integer] }).slice(6, -2)) as string | number)).toBe(integer);
      }),
    );
  });

  it("writes all else as JSON.stringify does", () => {
    fc.assert(
      fc.property(value, (input) => {
        expect(stringifyJson(input)).toBe(JSON.stringify(input));
      }),
    );
  });
});
