import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { commandLine } from "../../src/cli/command-line.ts";
import { credentialsFor } from "../../src/cli/credentials.ts";
import { gravest } from "../../src/cli/exit-codes.ts";
import { listenForInterrupts } from "../../src/cli/interruption.ts";
import { isSamePlace, outputLocation, parseLocation } from "../../src/cli/location.ts";
import { mappingOf } from "../../src/cli/mapping-flags.ts";
import { nodeProblem } from "../../src/cli/node-version.ts";
import { createProgressDisplay } from "../../src/cli/progress-display.ts";
import { createSecrets } from "../../src/cli/secrets.ts";
import { stateDir } from "../../src/cli/state-dir.ts";
import { hasColours } from "../../src/cli/terminal.ts";
import type { Output } from "../../src/cli/terminal.ts";

test.each([
  ["22.19.0", true],
  ["22.18.9", false],
  ["20.19.0", false],
  ["23.0.0", true],
  ["24.21.0", true],
])("Node %s will do: %s", (version, will) => expect(nodeProblem(version) === undefined).toBe(will));

test("an old Node is told in one line", () => {
  expect(nodeProblem("18.0.0")).toBe("error: mlferry needs Node 22.19 or later, and this is Node 18.0.0");
});

test("of several exit codes the gravest counts: 130, 5, 2, 1, 6, 3, 4", () => {
  const order = [130, 5, 2, 1, 6, 3, 4];
  order.forEach((code, index) => expect(gravest(order.slice(index).reverse())).toBe(code));
  expect(gravest([])).toBe(0);
});

test("a command line can be pasted into a shell", () => {
  expect(commandLine(["copy", "http://h:1/p", "my bundle.tar", "--models", "a*", "it's", ""])).toBe(
    `mlferry copy http://h:1/p 'my bundle.tar' --models 'a*' 'it'\\''s' ''`,
  );
});

describe("a location", () => {
  test.each([
    ["http://h", "http://h", "h:80"],
    ["HTTPS://H.example:8443/mlflow//", "https://h.example:8443/mlflow", "h.example:8443"],
    ["https://[::1]/", "https://[::1]", "[::1]:443"],
  ])("%s is the server %s on %s", (text, url, host) =>
    expect(parseLocation(text, { role: "source" })).toEqual({ place: "mlflow", url, host }),
  );

  const workspaceUrl = (profile: string | undefined, role: string): string => `https://${profile ?? role}.example.com`;
  test.each([
    ["databricks", { place: "databricks", url: "https://source.example.com", host: "source.example.com:443" }],
    ["databricks://dev", { place: "databricks", profile: "dev", url: "https://dev.example.com", host: "dev.example.com:443" }],
    ["databricks-uc", { place: "databricks-uc", url: "https://source.example.com", host: "source.example.com:443" }],
    ["Databricks-UC://a.b/", { place: "databricks-uc", profile: "a.b", url: "https://a.b.example.com", host: "a.b.example.com:443" }],
    ["uc:http://h:8080/", { place: "uc", url: "http://h:8080", host: "h:8080" }],
  ])("%s is a server, and a workspace's address is looked up", (text, expected) => {
    expect(parseLocation(text, { role: "source", workspaceUrl })).toEqual(expected);
    const registry = { name: "prod", uri: text };
    const config = { registries: new Map([["prod", registry]]) };
    expect(parseLocation("prod", { role: "source", workspaceUrl, config })).toEqual({ ...expected, registry });
  });

  test.each([
    ["databricks://scope:prefix", "names a workspace by secrets of another one"],
    ["databricks://", "names no profile"],
    ["uc:databricks-uc", "is no open-source Unity Catalog"],
    ["uc:http://ada:p@h", "holds a user name or a password"],
  ])("%s is none: it %s", (text, message) => {
    expect(() => parseLocation(text, { role: "source", workspaceUrl })).toThrow(message);
  });

  test.each(["http://h", "databricks://p", "uc:http://h"])("--output takes no server, such as %s", (text) => {
    expect(() => outputLocation(text)).toThrow("export writes bundles, and the output is a server's address");
  });

  test("any path is a bundle to be written, and after --output any word", () => {
    for (const path of ["b.tar", "./folder", "./a/b"]) expect(parseLocation(path, { role: "target" })).toEqual({ place: "bundle", path });
    for (const path of ["b.tar", "folder"]) expect(outputLocation(path)).toEqual({ place: "bundle", path });
  });

  test("one place may be written in two ways", () => {
    const at = (text: string): ReturnType<typeof parseLocation> => parseLocation(text, { role: "target" });
    expect(isSamePlace(at("http://H:80/x/"), at("http://h/x"))).toBe(true);
    expect(isSamePlace(at("http://h/x"), at("https://h/x"))).toBe(false);
    const workspace = (text: string): ReturnType<typeof parseLocation> =>
      parseLocation(text, { role: "target", workspaceUrl: () => "https://one.example.com" });
    expect(isSamePlace(workspace("databricks://a"), workspace("databricks"))).toBe(true);
    expect(isSamePlace(workspace("databricks://a"), workspace("databricks-uc://a"))).toBe(false);
    expect([
      isSamePlace(at("a.tar"), at("./a.tar")),
      isSamePlace(at("a.tar"), at("b.tar")),
      isSamePlace(at("./a"), at("http://a")),
    ]).toEqual([true, false, false]);
  });
});

describe("credentials", () => {
  const basic = { MLFLOW_TRACKING_USERNAME: "ada", MLFLOW_TRACKING_PASSWORD: "p" };
  test("are MLflow's own, user and password before a token", () => {
    expect(credentialsFor("source", {})).toBeUndefined();
    expect(credentialsFor("source", { MLFLOW_TRACKING_TOKEN: "t" })).toEqual({ kind: "bearer", token: "t" });
    expect(credentialsFor("target", { ...basic, MLFLOW_TRACKING_TOKEN: "t" })).toEqual({ kind: "basic", username: "ada", password: "p" });
  });
  test("of one side win as a set over the common ones", () => {
    const env = { ...basic, MLFERRY_TARGET_TRACKING_TOKEN: "t" };
    expect(credentialsFor("target", env)).toEqual({ kind: "bearer", token: "t" });
    expect(credentialsFor("source", env)).toMatchObject({ kind: "basic" });
  });
  test("that are empty do not count", () => expect(credentialsFor("source", { MLFLOW_TRACKING_TOKEN: "" })).toBeUndefined());
});

test("secrets of the environment are blanked out of any text, also within JSON and URLs", () => {
  const { scrub } = createSecrets({
    MLFLOW_TRACKING_PASSWORD: 'pa"ss/word',
    MLFERRY_SOURCE_TRACKING_TOKEN: "tok-en-123",
    HOME: "/home/ada",
    X_TOKEN: "short",
    DATABRICKS_CLIENT_SECRET: "of-a-principal",
    DATABRICKS_OIDC_TOKEN_ENV: "A_VARIABLE",
    DATABRICKS_OIDC_TOKEN_FILEPATH: "/var/run/jwt",
  });
  expect(
    scrub(`a pa"ss/word b ${JSON.stringify({ x: 'pa"ss/word' })} ${encodeURIComponent('pa"ss/word')} tok-en-123 /home/ada short`),
  ).toBe('a *** b {"x":"***"} *** *** /home/ada short');
  expect(scrub("of-a-principal A_VARIABLE /var/run/jwt")).toBe("*** A_VARIABLE /var/run/jwt");
});

test("the state folder is the flag's, or below $XDG_STATE_HOME where that is absolute", () => {
  expect(stateDir("here", { XDG_STATE_HOME: "/x" })).toBe("here");
  expect(stateDir(undefined, { XDG_STATE_HOME: "/x" })).toBe("/x/mlferry");
  for (const env of [{}, { XDG_STATE_HOME: "relative" }]) expect(stateDir(undefined, env)).toMatch(/\/\.local\/state\/mlferry$/);
});

test("colours are for terminals that can, unless NO_COLOR is set", () => {
  const output = (isTTY: boolean): Output => ({ isTTY, columns: 80, write: () => undefined });
  expect(hasColours(output(true), {})).toBe(true);
  expect([hasColours(output(false), {}), hasColours(output(true), { NO_COLOR: "1" }), hasColours(output(true), { TERM: "dumb" })]).toEqual([
    false,
    false,
    false,
  ]);
  expect(hasColours(output(true), { NO_COLOR: "" })).toBe(true);
});

describe("rules in flags", () => {
  test("are rules of a mapping, and a backslash keeps an equals sign in the old name", () => {
    expect(
      mappingOf({
        renameModel: ["a\\=b=c=d", "*=x/*"],
        renameExperiment: ["e=f"],
        stageAlias: ["Production=champion"],
        stageTag: ["Archived=k=v=w"],
        dropTag: ["i.*"],
      }),
    ).toEqual({
      models: [
        { from: "a\\=b", to: "c=d" },
        { from: "*", to: "x/*" },
      ],
      experiments: [{ from: "e", to: "f" }],
      workspaces: [],
      aliases: [],
      stages: { Production: { alias: "champion" }, Archived: { tag: "k=v=w" } },
      tags: [{ from: "i.*", drop: true }],
    });
  });
});

describe("an interruption", () => {
  function listen(): {
    press: (name: string, at: number) => void;
    told: string[];
    interruption: ReturnType<typeof listenForInterrupts>;
    heard: () => number;
  } {
    const signals = new EventEmitter();
    const told: string[] = [];
    let time = 0;
    const interruption = listenForInterrupts({ signals, now: () => time, tell: (line) => told.push(line) });
    const press = (name: string, at: number): void => {
      time = at;
      signals.emit(name);
    };
    return { press, told, interruption, heard: () => signals.listenerCount("SIGINT") + signals.listenerCount("SIGTERM") };
  }

  test("first drains and says so, then stops at once, then is none of the program's", () => {
    const { press, told, interruption, heard } = listen();
    interruption.beginWriting();
    interruption.check();
    press("SIGINT", 1000);
    expect([interruption.drain.aborted, interruption.signal.aborted, told.length]).toEqual([true, false, 1]);
    expect(() => interruption.check()).toThrow(expect.objectContaining({ code: "INTERRUPTED" }));
    press("SIGTERM", 2000);
    expect([interruption.signal.aborted, told.length, heard()]).toEqual([true, 1, 2]);
    press("SIGINT", 3000);
    expect(heard()).toBe(0);
  });

  test("takes a signal that comes twice at once for one, as npm sends it", () => {
    const { press, interruption } = listen();
    interruption.beginWriting();
    press("SIGINT", 1000);
    press("SIGINT", 1010);
    expect([interruption.drain.aborted, interruption.signal.aborted]).toEqual([true, false]);
  });

  test("stops at once while there is nothing to finish", () => {
    const { press, told, interruption } = listen();
    press("SIGTERM", 1000);
    expect([interruption.drain.aborted, interruption.signal.aborted, told.length]).toEqual([true, true, 0]);
  });

  test("is over when it is disposed of", () => {
    const { interruption, heard } = listen();
    interruption.dispose();
    expect(heard()).toBe(0);
  });
});

describe("the display of progress", () => {
  function show(mode: "live" | "plain" | "none", act: (display: ReturnType<typeof createProgressDisplay>) => void): string {
    let written = "";
    const output: Output = { isTTY: mode === "live", columns: 60, write: (text) => void (written += text) };
    const display = createProgressDisplay({ output, mode, phase: "moving", now: () => 0 });
    act(display);
    display.end();
    return written;
  }

  test("writes nothing but what is said when it is off", () => {
    expect(show("none", (display) => display.say("a note"))).toBe("a note\n");
  });

  test("leaves no escape where there is no terminal", () => {
    expect(show("plain", (display) => display.say("a note"))).toBe("a note\n");
  });
});
